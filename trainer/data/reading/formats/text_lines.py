"""A text in blocks of complete lines, decoded as it is read."""

import codecs
import io

from trainer.data.reading.formats.content import MAX_NULS, Content, damaged
from trainer.errors import DataError

READ_BYTES = 1 << 18
BLOCK_CHARACTERS = 1 << 20
BLOCK_LINES = 100  # at least, up to the next limit, because each column has a cost per block
MAX_BLOCK_CHARACTERS = 1 << 24
MAX_LINE_CHARACTERS = 1 << 26
UTF_8 = "UTF-8"


class TextLines:
    """Reads a text once, from its start. Every line ends with a line feed, also the last one.

    Attributes
    ----------
    encoding : its name

    Raises
    ------
    DataError
        the encoding is unknown; from each method, if the bytes are not such a text.
    """

    def __init__(self, content: Content, name: str, encoding: str | None) -> None:
        self.encoding = content.byte_order_mark.upper() or UTF_8
        if encoding is not None:
            self.encoding = encoding
        self._stream = content.stream
        self._name = name
        self._text = ""
        self._position = 0
        self._lines = 0  # decoded so far
        self._ended = False
        self._in_line = False  # whether the text so far does not end with a line feed
        self._decoder = io.IncrementalNewlineDecoder(self._new_decoder(), translate=True)

    def block(self) -> str:
        """Return the next lines, about `BLOCK_CHARACTERS`; empty at the end."""
        parts = [self._text[self._position :]]
        self._text, self._position = "", 0
        size, lines = len(parts[0]), parts[0].count("\n")
        while not self._ended and (
            size < BLOCK_CHARACTERS
            or (size < MAX_BLOCK_CHARACTERS and lines < BLOCK_LINES)
            or not lines
        ):
            if size > MAX_LINE_CHARACTERS and not lines:
                raise self._too_long()
            parts.append(self._read())
            size += len(parts[-1])
            lines += parts[-1].count("\n")
        text = "".join(parts)
        end = len(text) if self._ended else text.rindex("\n") + 1
        self._text = text[end:]
        return text[:end]

    def line(self) -> str | None:
        """Return the next line; None at the end."""
        parts, size = [], 0
        while (end := self._text.find("\n", self._position)) < 0:
            parts.append(self._text[self._position :])
            size += len(parts[-1])
            if size > MAX_LINE_CHARACTERS:
                raise self._too_long()
            self._text, self._position = "", 0
            if self._ended:
                return None
            self._text = self._read()
        start, self._position = self._position, end + 1
        return "".join([*parts, self._text[start : end + 1]])

    def _read(self) -> str:
        try:
            data = self._stream.read(READ_BYTES)
        except OSError:
            raise
        except Exception as error:  # each compression has its own
            raise damaged(self._name, error) from error
        if not self._lines and not self._ended:
            self._check_first(data)
        self._ended = not data
        try:
            text = self._decoder.decode(data, final=self._ended)
        except UnicodeError as error:
            raise self._undecodable(error) from error
        self._lines += text.count("\n")
        if text:
            self._in_line = not text.endswith("\n")
        return f"{text}\n" if self._ended and self._in_line else text

    def _too_long(self) -> DataError:
        return DataError(
            f"{self._name}: line {self._lines + 1} is too long to be a row, with more than "
            f"{MAX_LINE_CHARACTERS:,} characters"
        )

    def _new_decoder(self) -> codecs.IncrementalDecoder:
        name = self.encoding.lower().replace("_", "-")
        try:
            codec = codecs.lookup("utf-8-sig" if name in ("utf-8", "utf8") else name)
            "".encode(codec.name)  # refuses codecs between bytes, such as hex
            return codecs.getincrementaldecoder(codec.name)()
        except (LookupError, ValueError):
            raise DataError(f"{self.encoding!r} is not the name of a text encoding") from None

    def _check_first(self, data: bytes) -> None:
        wide = self.encoding.lower().startswith(("utf-16", "utf-32"))
        if data.count(0) > MAX_NULS * len(data) and not wide:
            raise DataError(
                f"{self._name} is a binary file, not a table of text; "
                f"if it is UTF-16 without a byte order mark, its encoding is utf-16-le"
            )

    def _undecodable(self, error: UnicodeError) -> DataError:
        line = self._lines + 1
        reason = str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = error.reason
            before = error.object[: error.start].decode(self.encoding, errors="replace")
            line += before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
        advice = "; name another encoding, such as cp1252" if self.encoding == UTF_8 else ""
        return DataError(f"{self._name}, line {line}: not {self.encoding} text: {reason}{advice}")
