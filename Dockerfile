# One image for the service and for the trainer; the command selects which. See docs/deployment.md.

FROM python:3.13-slim AS packages
RUN apt-get -qq update && apt-get -qq install --yes --no-install-recommends binutils >/dev/null
RUN python -m venv --without-pip /opt/numnet
COPY requirements/run.txt /
# Remove what never runs: tests, test and build helpers of the packages, type stubs, C sources, and
# the symbols for debuggers, which are most of some extension modules.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip --python /opt/numnet/bin/python --disable-pip-version-check install --quiet \
      --require-hashes --only-binary :all: --no-compile --requirement /run.txt \
 && find /opt/numnet/lib \( -type d -name tests -o -path '*/sqlalchemy/testing' -o -path '*/numpy/f2py' \
      -o -name '*.pyi' -o -name '*.a' -o -name '*.[ch]' -o -name '*.pyx' -o -name '*.pxd' \) -prune -exec rm -r {} + \
 && find /opt/numnet/lib \( -path '*/uvloop/*.so' -o -path '*/httptools/*.so' -o -path '*/sqlalchemy/*.so' \) \
      -exec strip --strip-unneeded {} + \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/numnet/lib

FROM python:3.13-slim AS code
COPY . /app
# Make the files readable by all users and writable only by root, whatever the umask of the clone was.
RUN chmod -R u=rwX,go=rX /app \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM python:3.13-slim
LABEL org.opencontainers.image.title="numnet" \
      org.opencontainers.image.description="Trains small neural networks with nothing but NumPy and serves them over REST." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin numnet \
 && install --directory --owner=numnet --group=numnet /models /state /data
ENV PATH=/opt/numnet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NUMNET_HOST=0.0.0.0 \
    NUMNET_MODELS=/models \
    NUMNET_STATE=/state \
    NUMNET_DATA=/data
COPY --link --from=packages /opt/numnet /opt/numnet
COPY --link --from=code /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# The service is healthy when a verified model is loaded. The first training may take some time.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5m --start-interval=500ms \
  CMD ["python", "-m", "service.healthcheck"]
CMD ["python", "-m", "service"]
