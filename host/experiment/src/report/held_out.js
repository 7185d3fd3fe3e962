/** Held-out tasks: a table of the first and last evaluation, and curves where there are more. */
class HeldOut {
  constructor(evaluations, label, kinds, page) {
    this.label = label;
    this.temperatures = Map.groupBy(evaluations, ({ temperature }) => temperature);
    const rates = evaluations.flatMap(({ kinds }) =>
      Object.values(kinds).map((kind) => kind.solve_rate + kind.standard_error),
    );
    this.ticks = niceTicks(0, Math.min(1, Math.max(0.05, ...rates)));
    const withCurves = [...this.temperatures].filter(([, series]) => series.length > 2);
    this.charts = withCurves.map(([temperature, series]) => {
      const steps = series.map(({ step }) => step);
      return new LineChart(this.curves(temperature, series), steps, kinds, page);
    });
  }

  curves(temperature, series) {
    const lines = kindsOf(series).map((kind) => ({
      name: this.label(kind),
      values: series.map((evaluation) => evaluation.kinds[kind]?.solve_rate ?? null),
      errors: series.map((evaluation) => evaluation.kinds[kind]?.standard_error ?? 0),
    }));
    const about = "held-out solve rate with its standard error";
    return { title: temperatureName(temperature), about, unit: "share", stacked: false, series: lines };
  }

  elements() {
    const groups = [...this.temperatures].sort(([a], [b]) => a - b);
    const titles = ["", "tasks × samples", "○ before, %", "● after, %", "difference", "in s.e."];
    const heads = [...titles.map((title) => html("th", {}, title)), html("th", { class: "span" }, this.axis())];
    const explained = note(
      "Solve rates on tasks that are never trained on, ± one standard error. Differences are paired by task unless ",
      "marked, and coloured beyond three standard errors. Greedy decoding shows capability; a rise at T > 0 alone may ",
      "be sharpening.",
    );
    const curves = html("div", { class: "grid" }, ...this.charts.map(({ element }) => element));
    return [
      table(
        heads,
        groups.flatMap(([temperature, series]) => this.rows(temperature, series)),
      ),
      explained,
      curves,
    ];
  }

  rows(temperature, series) {
    const [before, after] = [series[0], series[series.length - 1]];
    const names = before === after ? evaluationName(before) : `${evaluationName(before)} → ${evaluationName(after)}`;
    const head = html(
      "tr",
      { class: "group" },
      html("th", { colspan: 7 }, temperatureName(temperature), html("span", { class: "muted" }, visible(names))),
    );
    return [
      head,
      ...kindsOf([after]).map((kind) =>
        this.row(kind, before.kinds[kind], after === before ? null : after.kinds[kind]),
      ),
    ];
  }

  row(kind, before, after) {
    const difference = after && before ? differenceOf(before, after) : null;
    const multiple = difference && difference.standard_error > 0 ? difference.mean / difference.standard_error : null;
    const { tasks, samples } = after ?? before;
    return html(
      "tr",
      {},
      html("th", {}, visible(this.label(kind))),
      html("td", { class: "muted" }, `${grouped(tasks)} × ${samples}`),
      html("td", {}, rateText(before)),
      html("td", {}, rateText(after)),
      html("td", { class: differenceClass(multiple) }, difference ? differenceText(difference) : "–"),
      html("td", { class: differenceClass(multiple) }, multiple === null ? "–" : signed(multiple, 1)),
      html("td", { class: "span" }, this.span(before, after)),
    );
  }

  x(rate) {
    return 12 + (rate / this.ticks[this.ticks.length - 1]) * 256;
  }

  axis() {
    const labels = this.ticks.map((tick) =>
      svg("text", { x: this.x(tick), y: 13, "text-anchor": "middle" }, formatTick(tick, this.ticks, "share")),
    );
    return svg("svg", { viewBox: "0 0 280 18", role: "img", "aria-label": "solve rate, %" }, ...labels);
  }

  /** Before and after on one axis, each with its standard error. */
  span(before, after) {
    const lines = this.ticks.map((tick) =>
      svg("line", { class: "gridline", x1: this.x(tick), x2: this.x(tick), y1: 0, y2: 30 }),
    );
    const whisker = (kind, rate, y) =>
      svg("line", {
        class: `whisker ${kind}-whisker`,
        y1: y,
        y2: y,
        x1: this.x(Math.max(0, rate.solve_rate - rate.standard_error)),
        x2: this.x(rate.solve_rate + rate.standard_error),
      });
    const marks = [];
    if (before && after)
      marks.push(
        svg("line", { class: "change", x1: this.x(before.solve_rate), x2: this.x(after.solve_rate), y1: 15, y2: 15 }),
      );
    if (before)
      marks.push(
        whisker("before", before, 15),
        svg("circle", { class: "before", cx: this.x(before.solve_rate), cy: 15, r: 4.2 }),
      );
    if (after)
      marks.push(
        whisker("after", after, 15),
        svg("circle", { class: "after", cx: this.x(after.solve_rate), cy: 15, r: 5 }),
      );
    return svg("svg", { viewBox: "0 0 280 30", role: "img", "aria-label": "before and after" }, ...lines, ...marks);
  }
}

function temperatureName(temperature) {
  return temperature === 0 ? "Greedy (T = 0)" : `Sampled (T = ${temperature})`;
}

function evaluationName({ name, step }) {
  return name && !name.includes(String(step)) ? `${name} (step ${step})` : name || `step ${step}`;
}

function kindsOf(evaluations) {
  return [...new Set(evaluations.flatMap(({ kinds }) => Object.keys(kinds)))];
}

/** The paired difference of the evaluation, or the difference of two independent rates. */
function differenceOf(before, after) {
  return (
    after.paired_difference ?? {
      mean: after.solve_rate - before.solve_rate,
      standard_error: Math.hypot(before.standard_error, after.standard_error),
      unpaired: true,
    }
  );
}

function signed(number, decimals) {
  const text = Math.abs(number).toFixed(decimals);
  return Number(text) === 0 ? text : `${number < 0 ? "−" : "+"}${text}`;
}

function differenceText({ mean, standard_error, unpaired }) {
  return `${signed(100 * mean, 1)} ± ${(100 * standard_error).toFixed(1)}${unpaired ? " (unpaired)" : ""}`;
}

/** Colour for what is more than chance: three standard errors. */
function differenceClass(multiple) {
  if (multiple === null || Math.abs(multiple) < 3) return null;
  return multiple > 0 ? "good" : "bad";
}

function rateText(rate) {
  return rate ? `${(100 * rate.solve_rate).toFixed(1)} ± ${(100 * rate.standard_error).toFixed(1)}` : "–";
}
