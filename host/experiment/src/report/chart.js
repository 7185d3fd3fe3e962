/** A small line chart: the values thin, their moving average thick. Charts share a pointer and hidden series. */
class LineChart {
  static SIZE = { width: 360, height: 168, left: 44, right: 8, top: 8, bottom: 20 };

  /**
   * @param chart title, about, unit, stacked and series: name, values, errors (standard errors, optional)
   * @param steps the step of each value
   * @param kinds names that have the same colour in every chart
   * @param page told of a step pointed at (`point`) and of a series switched (`toggle`)
   */
  constructor(chart, steps, kinds, page) {
    Object.assign(this, { chart, steps, page });
    this.colours = chart.series.map(({ name }, index) => (kinds.includes(name) ? kinds.indexOf(name) : index) % 8);
    const { width, height } = LineChart.SIZE;
    this.plot = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chart.title });
    this.plot.addEventListener("pointermove", (event) => page.point(this.steps[this.indexAt(event)]));
    this.plot.addEventListener("pointerleave", () => page.point(null));
    this.outputs = chart.series.map(() => html("output"));
    this.keys = chart.series.map(({ name }, index) =>
      html(
        "button",
        {
          type: "button",
          class: `c${this.colours[index]}`,
          title: "Hide or show",
          onclick: () => page.toggle(name),
        },
        html("span", {}, visible(name)),
        this.outputs[index],
      ),
    );
    const alone = chart.series.length === 1 && chart.series[0].name === "";
    this.element = html(
      "figure",
      { class: "card chart" },
      html(
        "figcaption",
        {},
        html("h3", { title: chart.about || null }, visible(chart.title)),
        html("span", { class: "unit" }, UNIT_NAMES[chart.unit]),
        alone ? this.outputs[0] : null,
      ),
      this.plot,
      alone ? null : html("div", { class: "legend" }, ...this.keys),
    );
  }

  /** Draws everything anew. `weight` is the share of the past in the moving average. */
  draw(weight, hidden) {
    const { stacked, series } = this.chart;
    const isShown = series.map(({ name }) => !hidden.has(name) || name === "");
    this.keys.forEach((key, index) => key.classList.toggle("off", !isShown[index]));
    this.tops = stacked
      ? stack(series.map(({ values }, index) => (isShown[index] ? values : [])))
      : series.map(({ values }) => values);
    const values = this.tops
      .filter((_, index) => isShown[index])
      .flat()
      .filter((value) => value !== null);
    this.setScales(values);
    const marks = series.map((_, index) => (isShown[index] ? this.marksOf(index, weight) : []));
    this.dots = series.map((_, index) =>
      svg("circle", { r: isShown[index] && !stacked ? 3.2 : 0, class: `dot c${this.colours[index]}` }),
    );
    const { top, bottom, height } = LineChart.SIZE;
    this.cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom });
    this.plot.replaceChildren(...this.axes(), ...marks.flat(), this.cursor, ...this.dots);
    this.mark(null);
  }

  setScales(values) {
    const { width, height, left, right, top, bottom } = LineChart.SIZE;
    const [first, last] = [this.steps[0], this.steps[this.steps.length - 1]];
    const span = last - first || 1;
    this.x = (step) => left + ((step - first) / span) * (width - left - right);
    let [low, high] = values.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Infinity, -Infinity],
    );
    if (low > high) [low, high] = [0, 1];
    if (this.chart.stacked || (low >= 0 && low < 0.6 * high)) low = 0;
    if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(low, 0)];
    this.ticks = niceTicks(low, high, this.chart.unit === "count" ? 1 : 0);
    [low, high] = [this.ticks[0], this.ticks[this.ticks.length - 1]];
    this.y = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
  }

  axes() {
    const { width, height, left, right } = LineChart.SIZE;
    const marks = this.ticks.flatMap((tick) => [
      svg("line", {
        class: tick === 0 ? "gridline zero" : "gridline",
        x1: left,
        x2: width - right,
        y1: this.y(tick),
        y2: this.y(tick),
      }),
      svg(
        "text",
        { x: left - 6, y: this.y(tick) + 3.5, "text-anchor": "end" },
        formatTick(tick, this.ticks, this.chart.unit),
      ),
    ]);
    const [first, last] = [this.steps[0], this.steps[this.steps.length - 1]];
    const inner = niceTicks(first, last).filter((tick) => tick > first && tick < last && Number.isInteger(tick));
    const labels = [...new Set([first, ...inner, last])].filter(
      (step) =>
        step === first || step === last || (this.x(step) - this.x(first) > 34 && this.x(last) - this.x(step) > 64),
    );
    const anchor = (step) => (step === first ? "start" : step === last ? "end" : "middle");
    for (const step of labels) {
      marks.push(
        svg(
          "text",
          { x: this.x(step), y: height - 5, "text-anchor": anchor(step) },
          step === last ? `step ${step}` : String(step),
        ),
      );
    }
    return marks;
  }

  marksOf(index, weight) {
    const colour = `c${this.colours[index]}`;
    const values = this.tops[index];
    const { errors } = this.chart.series[index];
    if (this.chart.stacked) {
      const floor = index === 0 ? values.map(() => 0) : this.tops[index - 1];
      return [svg("path", { class: `area ${colour}`, d: this.area(values, floor) })];
    }
    if (errors || values.length === 1) return this.pointMarks(values, errors, colour);
    return [
      svg("path", { class: `raw ${colour}`, d: this.line(values) }),
      svg("path", { class: `smooth ${colour}`, d: this.line(smooth(values, weight)) }),
    ];
  }

  /** Few values, each a point with its standard error. */
  pointMarks(values, errors, colour) {
    const marks = [svg("path", { class: `smooth ${colour}`, d: this.line(values) })];
    values.forEach((value, index) => {
      if (value === null) return;
      const x = this.x(this.steps[index]);
      if (errors) {
        const [y1, y2] = [this.y(value - errors[index]), this.y(value + errors[index])];
        marks.push(svg("line", { class: `whisker ${colour}`, x1: x, x2: x, y1, y2 }));
      }
      marks.push(svg("circle", { class: `point ${colour}`, cx: x, cy: this.y(value), r: 3 }));
    });
    return marks;
  }

  line(values) {
    let path = "";
    let pen = "M";
    values.forEach((value, index) => {
      if (value === null) return;
      path += `${pen}${this.x(this.steps[index]).toFixed(1)} ${this.y(value).toFixed(1)}`;
      pen = "L";
    });
    return path;
  }

  area(tops, floors) {
    const at = (value, index) => `${this.x(this.steps[index]).toFixed(1)} ${this.y(value).toFixed(1)}`;
    return `M${tops.map(at).join("L")}L${floors.map(at).reverse().join("L")}Z`;
  }

  /** The index of the value nearest to the pointer. */
  indexAt(event) {
    const box = this.plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * LineChart.SIZE.width;
    return nearest(this.steps.map(this.x), x);
  }

  /** Shows the values at `step`, or the last ones. */
  mark(step) {
    const index = step === null ? this.steps.length - 1 : nearest(this.steps, step);
    this.plot.classList.toggle("marked", step !== null);
    const x = this.x(this.steps[index]);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.chart.series.forEach(({ values }, series) => {
      this.outputs[series].value = formatNumber(values[index], this.chart.unit);
      const top = this.tops[series][index] ?? null;
      this.dots[series].setAttribute("cx", x);
      this.dots[series].setAttribute("cy", top === null ? -100 : this.y(top));
    });
  }
}

/** Running sums over series, value by value; gaps and series without values add nothing. */
function stack(series) {
  const length = Math.max(...series.map((values) => values.length));
  let below = new Array(length).fill(0);
  return series.map((values) => (below = below.map((sum, index) => sum + (values[index] ?? 0))));
}

/** The average over neighbours on both sides, their weights falling by `weight` with each step. Gaps stay gaps. */
function smooth(values, weight) {
  const [before, after] = [decayingSums(values, weight), decayingSums(values.toReversed(), weight).reverse()];
  // Both sides contain the value itself.
  return values.map((value, index) =>
    value === null
      ? null
      : (before[index].sum + after[index].sum - value) / (before[index].weights + after[index].weights - 1),
  );
}

function decayingSums(values, weight) {
  let [sum, weights] = [0, 0];
  return values.map((value) => {
    sum = weight * sum + (value ?? 0);
    weights = weight * weights + (value === null ? 0 : 1);
    return { sum, weights };
  });
}

/** Three to six round numbers, the first not above `low` and the last not below `high`. */
function niceTicks(low, high, stepMin = 0) {
  const rough = Math.max((high - low) / 3.5, stepMin) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((step) => step >= rough * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const count = Math.ceil(high / step - 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** A tick with as many decimals as its neighbours need. */
function formatTick(tick, ticks, unit) {
  const isPlain = Math.abs(ticks[ticks.length - 1]) < 1e4 && ticks[1] - ticks[0] >= 1e-3;
  if (!isPlain) return tick === 0 ? "0" : formatNumber(tick, unit);
  const factor = unit === "share" ? 100 : 1;
  const step = (ticks[1] - ticks[0]) * factor;
  const decimals = [0, 1, 2, 3, 4].find((decimals) => Math.abs(step - Number(step.toFixed(decimals))) < 1e-9) ?? 4;
  return (tick * factor).toFixed(decimals).replace("-", "−");
}

/** The index of the number in ascending `numbers` that is nearest to `wanted`. */
function nearest(numbers, wanted) {
  let [low, high] = [0, numbers.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (numbers[middle] <= wanted) low = middle;
    else high = middle;
  }
  return wanted - numbers[low] <= numbers[high] - wanted ? low : high;
}
