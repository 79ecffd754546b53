// A small line without axes, which shows how a number went; decoration for a number in text.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120, HEIGHT = 28;

export class Sparkline {
  constructor(parent, kept) {
    this.kept = kept;
    this.values = [];
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "sparkline");
    svg.setAttribute("aria-hidden", "true");
    this.line = document.createElementNS(SVG, "path");
    svg.append(this.line);
    parent.append(svg);
  }

  // Add a value; null leaves a gap.
  add(value) {
    this.values.push(value);
    if (this.values.length > this.kept) this.values.shift();
    const most = Math.max(...this.values.map((each) => each ?? 0)) || 1;
    const step = WIDTH / (this.kept - 1);
    const start = WIDTH - step * (this.values.length - 1);
    let isDrawing = false;
    const path = this.values.map((each, index) => {
      if (each === null) return (isDrawing = false), "";
      const x = (start + index * step).toFixed(1);
      const y = (HEIGHT - 1.5 - (HEIGHT - 3) * (each / most)).toFixed(1);
      const command = `${isDrawing ? "L" : "M"}${x} ${y}`;
      isDrawing = true;
      return command;
    });
    this.line.setAttribute("d", path.join(""));
  }
}
