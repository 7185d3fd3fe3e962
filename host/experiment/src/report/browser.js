/** A list of verdicts or of tasks with filters; a row opens to everything that is known about it. */
class Browser {
  /** Rows put in the document at a time. */
  static PAGE = 40;

  constructor(data, label) {
    Object.assign(this, { data, label, view: "verdicts", shown: Browser.PAGE });
    this.tasks = new Map(data.tasks.map((task) => [task.id, task]));
    this.byTask = Map.groupBy(data.verdicts, ({ task }) => task);
    this.columns = html("div", { class: "columns" });
    this.rows = html("div", { class: "rows" });
    this.more = html("button", { type: "button", class: "more", onclick: () => this.extend() });
    this.element = html("div", { class: "card rows" }, this.filters(), this.columns, this.rows, this.more);
    this.restart();
  }

  filters() {
    const { verdicts, tasks, verdict_counts } = this.data;
    const kinds = new Set([...verdicts, ...tasks].map((row) => this.kindOf(row)));
    const purposes = new Set(verdicts.map(({ purpose }) => purpose));
    this.kind = this.select("all kinds", [...kinds].sort());
    this.purpose = this.select("all purposes", [...purposes]);
    this.class = this.select(
      "all verdicts",
      Object.keys(verdict_counts),
      (name) => ` (${grouped(verdict_counts[name])})`,
    );
    this.search = html("input", {
      type: "search",
      placeholder: "Search text or task id",
      "aria-label": "Search",
      oninput: () => this.restart(),
    });
    const tab = (view, title) => html("button", { type: "button", onclick: () => this.show(view) }, title);
    this.tabs = [tab("verdicts", "Verdicts"), tab("tasks", "Tasks")];
    this.count = html("span", { class: "count" });
    const tabs = html("span", { class: "tabs" }, ...this.tabs);
    return html("div", { class: "filters" }, tabs, this.kind, this.purpose, this.class, this.search, this.count);
  }

  select(all, values, note = () => "") {
    const choices = values.map((value) => html("option", { value }, visible(value) + note(value)));
    const everything = html("option", { value: "" }, all);
    return html("select", { "aria-label": all, onchange: () => this.restart() }, everything, ...choices);
  }

  kindOf({ env, kind }) {
    return this.label(`${env}/${kind}`);
  }

  /** Shows a view; with a task, what there is of that task. */
  show(view, task = null) {
    this.view = view;
    if (task !== null) {
      for (const filter of [this.kind, this.purpose, this.class]) filter.value = "";
      this.search.value = task;
    }
    this.restart();
    if (task !== null) this.element.scrollIntoView();
  }

  restart() {
    this.shown = Browser.PAGE;
    const isVerdicts = this.view === "verdicts";
    this.tabs.forEach((tab, index) => tab.setAttribute("aria-pressed", String((index === 0) === isVerdicts)));
    this.purpose.hidden = this.class.hidden = !isVerdicts;
    this.matching = isVerdicts ? this.matchingVerdicts() : this.matchingTasks();
    const columns = isVerdicts
      ? ["step", "kind", "purpose", "verdict", "reward", "completion"]
      : ["step", "kind", "attempts", "right", "rate", "task"];
    this.columns.replaceChildren(...columns.map((title) => html("span", {}, title)));
    this.count.textContent = `${grouped(this.matching.length)} ${this.view}`;
    this.rows.replaceChildren(...this.matching.slice(0, this.shown).map((row) => this.row(row)));
    if (this.matching.length === 0) this.rows.append(html("p", { class: "empty" }, `No ${this.view} match.`));
    this.updateMore();
  }

  extend() {
    this.rows.append(...this.matching.slice(this.shown, this.shown + Browser.PAGE).map((row) => this.row(row)));
    this.shown += Browser.PAGE;
    this.updateMore();
  }

  updateMore() {
    this.more.hidden = this.shown >= this.matching.length;
    this.more.textContent = `Show more (${grouped(this.matching.length - this.shown)} left)`;
  }

  /** Newest first. */
  matchingVerdicts() {
    const matches = (filter, value) => filter.value === "" || filter.value === value;
    return this.data.verdicts
      .filter(
        (row) =>
          matches(this.kind, this.kindOf(row)) &&
          matches(this.purpose, row.purpose) &&
          matches(this.class, row.class) &&
          this.finds([row.completion, row.answer, row.reason, row.task ?? ""]),
      )
      .reverse();
  }

  matchingTasks() {
    return this.data.tasks
      .filter(
        (task) => (this.kind.value === "" || this.kind.value === this.kindOf(task)) && this.finds([task.body, task.id]),
      )
      .reverse();
  }

  finds(texts) {
    const wanted = this.search.value.toLowerCase();
    return texts.some((text) => text.toLowerCase().includes(wanted));
  }

  row(row) {
    return this.view === "tasks" ? this.taskRow(row) : this.verdictRow(row);
  }

  verdictRow(row) {
    return disclosure(
      [
        html("span", { class: "step muted" }, String(row.step)),
        html("span", { class: "clip" }, visible(this.kindOf(row))),
        html("span", { class: "clip muted" }, visible(row.purpose)),
        html("span", { class: `badge ${row.class}` }, row.class),
        html("span", { class: "number" }, row.reward === null ? "" : row.reward.toFixed(2).replace("-", "−")),
        html("code", { class: "clip" }, preview(row.completion)),
      ],
      () => this.verdictDetail(row),
    );
  }

  verdictDetail(row) {
    const task = this.tasks.get(row.task);
    return [
      ...field("completion", block(row.completion)),
      ...(row.answer === "" || row.answer === row.completion ? [] : field("answer", block(row.answer))),
      ...(row.reason === "" ? [] : field("reason", block(row.reason))),
      ...(task ? this.bodyFields(task) : []),
      ...(row.runs.length === 0 ? [] : field("program runs", runsBlock(row))),
      ...(row.task === null ? [] : field("task", this.taskLink(row.task))),
    ];
  }

  taskRow(task) {
    const isTried = task.attempts > 0;
    return disclosure(
      [
        html("span", { class: "step muted" }, String(task.step)),
        html("span", { class: "clip" }, visible(this.kindOf(task))),
        html("span", { class: "muted" }, isTried ? grouped(task.attempts) : "none"),
        html("span", { class: "muted" }, isTried ? grouped(task.right) : ""),
        html("span", { class: "number" }, isTried ? `${((100 * task.right) / task.attempts).toFixed(0)} %` : ""),
        html(
          "code",
          { class: "clip" },
          preview(
            bodyOf(task)
              .map(([, text]) => text)
              .join("  ·  "),
          ),
        ),
      ],
      () => this.taskDetail(task),
    );
  }

  taskDetail(task) {
    const verdicts = this.byTask.get(task.id) ?? [];
    const list =
      verdicts.length === 0
        ? html("span", { class: "muted" }, "none in this sample")
        : html("div", { class: "card" }, ...verdicts.slice(0, Browser.PAGE).map((row) => this.verdictRow(row)));
    return [...this.bodyFields(task), ...field("verdicts", list), ...field("task", this.taskLink(task.id))];
  }

  bodyFields(task) {
    return bodyOf(task).flatMap(([name, text]) => field(name, block(text)));
  }

  taskLink(id) {
    return html(
      "span",
      {},
      html("code", {}, visible(id)),
      " ",
      html("button", { type: "button", onclick: () => this.show("verdicts", id) }, "all its verdicts"),
    );
  }
}

/** A row that makes its detail when it is first opened. */
function disclosure(summary, detail) {
  const row = html("details", { class: "row" }, html("summary", {}, ...summary));
  row.addEventListener("toggle", () => row.append(html("dl", { class: "detail" }, ...detail())), { once: true });
  return row;
}

function field(name, content) {
  return [html("dt", {}, visible(name)), html("dd", {}, content)];
}

function block(text) {
  return html("pre", {}, visible(text));
}

function runsBlock({ runs, runs_left_out }) {
  const lines = runs.map(({ executor, outcomes, fuel }) => `executor ${executor}, fuel ${grouped(fuel)}\n${outcomes}`);
  if (runs_left_out > 0) lines.push(`and ${runs_left_out} more`);
  return block(lines.join("\n\n"));
}

/** The named parts of a task's body: the entries of a JSON object, or the text as it is. */
function bodyOf({ body }) {
  try {
    const value = JSON.parse(body);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      const part = (part) => (typeof part === "string" ? part : JSON.stringify(part));
      return Object.entries(value).map(([name, value]) => [name, part(value)]);
    }
  } catch {
    // Cut, or not JSON: an environment's own business.
  }
  return [["body", body]];
}
