"use strict";

// Text of an experiment is a language model's and may be hostile. It enters the document as text nodes and attribute
// values only; nothing on this page writes markup.

/** Characters that would hide or reorder the text around them: controls, bidirectional overrides, zero widths. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** `text` with unseen characters written as their code points. */
function visible(text) {
  return text.replace(UNSEEN, (character) => `⟨${character.codePointAt(0).toString(16).padStart(2, "0")}⟩`);
}

/** The first line's worth of `text`. */
function preview(text) {
  return visible(text.slice(0, 300).replaceAll("\n", " ⏎ "));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An HTML element: attributes, listeners (`onclick`) and children, strings among them as text. */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

/** A table in a card: the cells of its head, and its rows. */
function table(heads, rows) {
  const head = html("thead", {}, html("tr", {}, ...heads));
  return html("div", { class: "card scroll" }, html("table", {}, head, html("tbody", {}, ...rows)));
}

function note(...texts) {
  return html("p", { class: "note" }, ...texts);
}

const UNIT_NAMES = { number: "", count: "count", share: "%", tokens: "tokens", seconds: "s", "per-second": "per s" };

/** A number without its unit's name, to three digits; shares in per cent. */
function formatNumber(value, unit) {
  if (value === null || value === undefined) return "–";
  const number = unit === "share" ? 100 * value : value;
  return abbreviated(number, unit).replaceAll("-", "−");
}

function abbreviated(number, unit) {
  const size = Math.abs(number);
  if (size >= 1e15 || (size !== 0 && size < 1e-3)) return number.toExponential(1);
  if (unit === "share") return number.toFixed(1);
  for (const [least, factor, suffix] of [
    [1e12, 1e12, "T"],
    [1e9, 1e9, "G"],
    [1e6, 1e6, "M"],
    [1e4, 1e3, "k"],
  ]) {
    if (size >= least) return `${threeDigits(number / factor)}${suffix}`;
  }
  return Number.isInteger(number) ? String(number) : threeDigits(number);
}

function threeDigits(number) {
  return Math.abs(number) >= 1000 ? number.toFixed(0) : Number(number.toPrecision(3)).toPrecision(3);
}

/** A whole number with its digits in threes. */
function grouped(count) {
  return Math.round(count).toLocaleString("en-US").replaceAll(",", "\u202f");
}

function formatDuration(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return seconds < 60 ? `${seconds.toFixed(0)} s` : `${minutes} min ${Math.floor(seconds % 60)} s`;
}

function formatTime(unixSeconds) {
  return `${new Date(1000 * unixSeconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
