/** The page: what the experiment is, its results, its curves, its tasks. */
class Page {
  constructor(data) {
    this.data = data;
    this.hidden = new Set();
    this.charts = [];
    // As in the charts: the environment is named only where there are several.
    this.label = (kind) => {
      const name = kind.slice(kind.lastIndexOf("/") + 1);
      return data.kinds.includes(name) ? name : kind;
    };
  }

  build() {
    this.masthead();
    this.notices();
    this.section("Held-out tasks", this.heldOut());
    for (const { title, charts } of this.data.sections) this.section(title, this.grid(charts));
    this.section("Tasks and verdicts", this.tasksAndVerdicts());
    this.section("Environments", this.environments());
    this.section("Configuration", this.data.config === null ? [] : [block(this.data.config)]);
    byId("smoothing").addEventListener("input", () => this.draw());
    byId("theme").addEventListener("click", switchTheme);
    this.draw();
    this.point(null);
  }

  masthead() {
    const { name, experiment, totals } = this.data;
    document.title = `${visible(name)} · azr-host`;
    byId("name").textContent = visible(name);
    if (experiment !== null) {
      const { policy, seed, device, version, started_unix_s } = experiment;
      const started = formatTime(started_unix_s);
      const facts = [`policy ${policy}`, `seed ${seed}`, `on ${device}`, `azr-host ${version}`, `started ${started}`];
      byId("facts").append(...facts.map((fact) => html("span", {}, visible(fact))));
    }
    const figures = [
      ["steps", grouped(totals.steps)],
      ["time in steps", formatDuration(totals.seconds)],
      ["completions", grouped(totals.completions)],
      ["tokens sampled", formatNumber(totals.tokens, "count")],
      ["program runs", formatNumber(totals.runs, "count")],
      ["faults", grouped(totals.faults)],
    ];
    const pair = ([title, figure]) => html("div", {}, html("dt", {}, title), html("dd", {}, figure));
    byId("totals").append(...figures.map(pair));
  }

  /** What a reader should know before reading. */
  notices() {
    const { notices, steps_per_point, totals } = this.data;
    const all = [...notices];
    if (steps_per_point > 1) all.push(`Every point of a curve is the mean of ${steps_per_point} steps.`);
    if (totals.steps === 0) all.push("No step is finished yet.");
    if (all.length === 0) return;
    byId("main").append(html("ul", { class: "notices" }, ...all.map((text) => html("li", {}, visible(text)))));
  }

  /** Appends a section, and a link to it; nothing where there is nothing to show. */
  section(title, elements) {
    if (elements.length === 0) return;
    const id = `section-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
    byId("main").append(html("section", {}, html("h2", { id }, visible(title)), ...elements));
    byId("links").append(html("a", { href: `#${id}` }, visible(title.split(" ")[0])));
  }

  heldOut() {
    if (this.data.evaluations.length === 0) return [];
    const heldOut = new HeldOut(this.data.evaluations, this.label, this.data.kinds, this);
    this.charts.push(...heldOut.charts);
    return heldOut.elements();
  }

  grid(charts) {
    const lineCharts = charts.map((chart) => new LineChart(chart, this.data.steps, this.data.kinds, this));
    this.charts.push(...lineCharts);
    return [html("div", { class: "grid" }, ...lineCharts.map(({ element }) => element))];
  }

  tasksAndVerdicts() {
    const { verdicts, verdict_counts, tasks, task_count } = this.data;
    const total = Object.values(verdict_counts).reduce((sum, count) => sum + count, 0);
    if (total + task_count === 0) return [];
    const part = (shown, all, what) =>
      shown < all ? `${grouped(shown)} of ${grouped(all)} ${what}` : `all ${grouped(all)} ${what}`;
    const isSample = verdicts.length < total || tasks.length < task_count;
    return [
      note(
        `The page holds ${part(verdicts.length, total, "verdicts")} and ${part(tasks.length, task_count, "tasks")}. `,
        isSample
          ? "The sample has every kind, purpose and verdict; counts beside a verdict are the whole ledger's."
          : "",
      ),
      new Browser(this.data, this.label).element,
    ];
  }

  environments() {
    const environments = this.data.experiment?.environments ?? [];
    if (environments.length === 0) return [];
    const heads = ["environment", "kinds", "digest", "executors"];
    const row = ({ name, version, kinds, terms: { environment: digest, executors } }) => {
      const title = html("th", {}, visible(`${name} ${version}`));
      const asked = html("td", { class: "words" }, visible(kinds.join(", ")));
      const judge = html("td", { class: "digest" }, visible(digest));
      const runners = executors.map((executor) => html("div", {}, visible(executor)));
      return html("tr", {}, title, asked, judge, html("td", { class: "digest" }, ...runners));
    };
    return [
      table(
        heads.map((title) => html("th", { class: "words" }, title)),
        environments.map(row),
      ),
    ];
  }

  draw() {
    const weight = Number(byId("smoothing").value);
    for (const chart of this.charts) chart.draw(weight, this.hidden);
  }

  /** Shows the values of one step in all charts, or of the last. */
  point(step) {
    const { steps } = this.data;
    const last = steps.length === 0 ? "" : `last step, ${steps[steps.length - 1]}`;
    byId("step").textContent = step === null ? last : `step ${step}`;
    for (const chart of this.charts) chart.mark(step);
  }

  /** Hides or shows a series in all charts. */
  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.draw();
  }
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
}

new Page(JSON.parse(byId("data").textContent)).build();
