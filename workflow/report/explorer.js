"use strict";
// Shows what a token of a passage attends to. All numbers are in the page: `data` (JSON) describes the contents, `stream`
// contains the attention as bytes. Corpus text is inserted only through textContent.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const controls = { passage: byId("passage"), a: byId("a"), b: byId("b"), view: byId("view"), head: byId("head") };
const MEAN = "mean";
const SENTENCES_SHOWN = 4;
const BLOCKS_SHOWN = 5;
const SNIPPET = 90;
// Byte → attention: 255 is 1, and each step down divides by 2^(1/stepsPerOctave).
const ATTENTION = Float64Array.from({ length: 256 }, (_, byte) => (byte ? 2 ** ((byte - 255) / data.stepsPerOctave) : 0));

let bytes;
let state;

// --- Contents of the data ------------------------------------------------------------------------------------------

const armNamed = (name) => data.arms.find((arm) => arm.name === name);
const passage = () => data.passages[state.passage];
const triangle = (tokens) => (tokens * (tokens + 1)) / 2;

/** The attention of one token to itself and all before it, at one layer: of a head, where the arm has it, or the mean. */
function attentionOf(arm, layer, token) {
  const size = triangle(passage().tokens.length);
  const ofHead = state.head !== MEAN && arm.heads !== null && Number(state.head) < arm.headCount;
  const start = ofHead
    ? arm.heads[state.passage] + (layer * arm.headCount + Number(state.head)) * size
    : arm.mean[state.passage] + layer * size;
  const row = Float64Array.from(bytes.subarray(start + triangle(token), start + triangle(token) + token + 1), (byte) => ATTENTION[byte]);
  const whole = row.reduce((sum, one) => sum + one, 0); // 1, except for rounding to bytes
  return row.map((one) => one / whole);
}

/** Where the attention of a token goes: sink, itself, its own block, and each other block. */
function massOf(attention, token) {
  const blocks = passage().blocks;
  const mass = { sink: token > 0 ? attention[0] : 0, self: attention[token], own: 0, others: new Map() };
  for (let key = 1; key < token; key++) {
    if (blocks[key] === blocks[token]) mass.own += attention[key];
    else mass.others.set(blocks[key], (mass.others.get(blocks[key]) ?? 0) + attention[key]);
  }
  mass.foreign = [...mass.others.values()].reduce((sum, one) => sum + one, 0);
  return mass;
}

/** The share inside the own block, of what goes to earlier tokens; null where they are all in it, or none is. */
function fidelityOf(attention, token) {
  const blocks = passage().blocks;
  const earlier = blocks.slice(1, token);
  if (!earlier.includes(blocks[token]) || earlier.every((block) => block === blocks[token])) return null;
  const { own, foreign } = massOf(attention, token);
  return own + foreign > 0 ? own / (own + foreign) : null;
}

// --- Helpers --------------------------------------------------------------------------------------------------------

const percent = (share) => (share === null ? "–" : `${(100 * share).toPrecision(share < 0.0995 ? 2 : 3)} %`);

function element(tag, { text, className, title, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  if (title) made.title = title;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function table(headings, rows) {
  const cell = (tag) => (content, column) => {
    const made = element(tag, { className: column && tag === "td" ? "number" : column ? "number" : "" });
    made.append(content);
    return made;
  };
  const body = rows.map((row) => element("tr", {}, ...row.map(cell("td"))));
  return element("table", {}, element("tr", {}, ...headings.map(cell("th"))), ...body);
}

/** What is known of a block, and its colour: blocks of one passage differ in colour as far as the palette reaches. */
function blockOf(id) {
  const present = [...new Set(passage().blocks.slice(1))];
  const colour = data.palette[present.indexOf(id) % data.palette.length];
  return { colour, ...data.blocks[id] };
}

function blockLabel(id) {
  const swatch = element("span", { className: "swatch" });
  swatch.style.background = blockOf(id).colour;
  return element("span", { title: blockOf(id).words }, swatch, blockOf(id).name);
}

const topicOf = (block) => block.topic && `Its topic, ${block.topic}, is found in ${block.places}.`;

const nameOf = (token) => passage().tokens[token].trim() || (token ? "·" : "[start]");

function blockTitle(id) {
  const block = blockOf(id);
  return [`${block.name}, ${block.words}`, topicOf(block)].filter(Boolean).join("\n");
}

// --- The state, stored in the URL fragment ----------------------------------------------------------------------------

function stateOfAddress() {
  const said = new URLSearchParams(location.hash.slice(1));
  const whole = (name, most, otherwise) => {
    const value = said.has(name) ? Number(said.get(name)) : NaN;
    return Number.isInteger(value) && value >= 0 && value <= most ? value : otherwise;
  };
  const arm = (name, otherwise) => (armNamed(said.get(name)) ? said.get(name) : otherwise);
  const names = data.arms.map((one) => one.name);
  const chosen = whole("passage", data.passages.length - 1, 0);
  const last = data.passages[chosen].tokens.length - 1;
  const heads = Math.max(0, ...data.arms.map((one) => one.headCount));
  const head = whole("head", heads - 1, null);
  return {
    passage: chosen,
    a: arm("a", names.includes("distributed") ? "distributed" : names[0]),
    b: arm("b", names.includes("quintic") ? "quintic" : names[names.length - 1]),
    view: said.get("view") === "difference" ? "difference" : "side",
    layer: whole("layer", data.layers - 1, data.layers - 1),
    head: head === null ? MEAN : String(head),
    token: whole("token", last, last),
  };
}

function show(changes = {}) {
  state = { ...state, ...changes };
  state.token = Math.min(state.token, passage().tokens.length - 1);
  history.replaceState(null, "", `#${new URLSearchParams(state)}`);
  for (const [name, control] of Object.entries(controls)) control.value = String(state[name]);
  const hadFocus = document.activeElement?.classList.contains("text") ? document.activeElement.dataset.panel : null;
  drawPanels();
  drawDetails();
  if (hadFocus !== null) document.querySelector(`.text[data-panel="${hadFocus}"]`)?.focus({ preventScroll: true });
}

// --- Panels: the text, shaded -----------------------------------------------------------------------------------------

function drawPanels() {
  const shown = [armNamed(state.a), armNamed(state.b)];
  const panels = state.view === "difference" ? [differencePanel(...shown)] : shown.map(armPanel);
  byId("panels").replaceChildren(...panels);
}

function armPanel(arm, number) {
  const attention = attentionOf(arm, state.layer, state.token);
  const text = [...attention];
  text[0] = text[state.token] = 0; // they would outshine all other tokens; the bar shows their shares
  const most = Math.max(...text);
  const shade = (key) => `rgba(var(--shade), ${most ? Math.sqrt(text[key] / most) : 0})`;
  return panel(
    `${"AB"[number]}: ${arm.name}${headNote(arm)}`,
    number,
    textOf(attention, shade, (key) => percent(attention[key])),
    `Layer ${state.layer}; the darkest token gets ${percent(most)} of the attention.`,
    layerStrip(arm),
  );
}

function differencePanel(a, b) {
  const [ofA, ofB] = [a, b].map((arm) => attentionOf(arm, state.layer, state.token));
  const difference = ofB.map((value, key) => value - ofA[key]);
  const most = Math.max(0, ...difference.slice(1, state.token).map(Math.abs));
  const shade = (key) => {
    const share = most && key > 0 && key < state.token ? Math.sqrt(Math.abs(difference[key]) / most) : 0;
    return `rgba(var(${difference[key] > 0 ? "--more" : "--less"}), ${share})`;
  };
  const points = (key) => `${difference[key] > 0 ? "+" : "−"}${(100 * Math.abs(difference[key])).toPrecision(2)} points`;
  return panel(
    `B − A: ${b.name} − ${a.name}`,
    0,
    textOf(difference, shade, points),
    `Layer ${state.layer}. Orange tokens get more attention in ${b.name}, blue ones less; the largest difference is ` +
      `${(100 * most).toPrecision(2)} percentage points.`,
    layerStrip(a),
    layerStrip(b),
  );
}

const headNote = (arm) => {
  if (state.head === MEAN) return ", mean over heads";
  return arm.heads !== null && Number(state.head) < arm.headCount ? `, head ${state.head}` : ", mean over heads (single heads were not stored)";
};

const panel = (title, number, text, legend, ...strips) => {
  text.dataset.panel = number;
  return element(
    "section", { className: "panel" },
    element("h2", { text: title }), text, element("p", { className: "legend", text: legend }), ...strips,
  );
};

function textOf(values, shade, said) {
  const { tokens, blocks } = passage();
  const spans = tokens.map((text, token) => {
    const span = element("span", { className: "token", text: token ? text.replaceAll("\n", "⏎\n") : "", "data-token": token });
    if (!token) span.classList.add("sink");
    else if (!text) span.classList.add("empty");
    if (token === state.token) span.classList.add("chosen");
    if (token > state.token) span.classList.add("later");
    else span.style.backgroundColor = shade(token);
    if (token) span.style.borderBottomColor = blockOf(blocks[token]).colour;
    span.title = (token <= state.token ? `${said(token)}\n` : "") + (token ? blockTitle(blocks[token]) : "the first position, which is in no block");
    return span;
  });
  const made = element("p", { className: "text", tabindex: "0", dir: "auto", role: "group",
    "aria-label": `passage; token ${state.token} is selected` }, ...spans);
  made.addEventListener("click", (event) => {
    const token = event.target.closest("[data-token]");
    if (token) { made.focus({ preventScroll: true }); show({ token: Number(token.dataset.token) }); }
  });
  return made;
}

function layerStrip(arm) {
  const bars = Array.from({ length: data.layers }, (_, layer) => {
    const share = fidelityOf(attentionOf(arm, layer, state.token), state.token);
    const bar = element("span", { className: "bar" });
    bar.style.height = `${100 * (share ?? 0)}%`;
    const title = `layer ${layer}: ${percent(share)} inside the token's block; mean over the test text ${percent(arm.fidelity[layer])}`;
    const button = element("button", { type: "button", title, "aria-label": title, "aria-pressed": layer === state.layer, "data-layer": layer }, bar);
    button.addEventListener("click", () => show({ layer }));
    return button;
  });
  return element("div", {}, element("p", { className: "legend", text: `${arm.name}: share of attention to earlier tokens that stays inside the token's own block, by layer (click a layer, 0 to ${data.layers - 1})` }),
    element("div", { className: "layers" }, ...bars));
}

// --- Details: the distribution of attention in numbers ----------------------------------------------------------------

function drawDetails() {
  const arms = [...new Set([state.a, state.b])].map(armNamed);
  byId("details").replaceChildren(...arms.map(whereItGoes), lossesAndBlocks());
}

function whereItGoes(arm) {
  const attention = attentionOf(arm, state.layer, state.token);
  const mass = massOf(attention, state.token);
  const own = passage().blocks[state.token];
  const others = [...mass.others].sort((one, other) => other[1] - one[1]);
  const rest = others.slice(BLOCKS_SHOWN).reduce((sum, [, share]) => sum + share, 0);
  const parts = [
    ...(state.token ? [[blockLabel(own), mass.own, blockOf(own).colour, ""]] : []),
    ...others.slice(0, BLOCKS_SHOWN).map(([block, share]) => [blockLabel(block), share, blockOf(block).colour, ""]),
    ...(rest ? [["other blocks", rest, "#bbbbbb", ""]] : []),
    ["itself", mass.self, "", "self-part"],
    ...(state.token ? [["the first position (sink)", mass.sink, "", "sink-part"]] : []),
  ];
  const bar = element("div", { className: "bar-of-mass", role: "img", "aria-label": "where the attention goes" });
  for (const [, share, colour, className] of parts) {
    const part = element("span", { className });
    part.style.width = `${100 * share}%`;
    if (colour) part.style.background = colour;
    bar.append(part);
  }
  const rows = parts.map(([label, share], number) => [
    number === 0 && state.token ? element("span", {}, "own block: ", label) : label, percent(share),
  ]);
  return element("div", { "data-arm": arm.name },
    element("h3", { text: `${arm.name}, layer ${state.layer}: where the attention of “${nameOf(state.token)}” goes` }),
    bar, table(["to", "share"], rows), element("h3", { text: "Sentences it attends to most" }), sentences(attention));
}

function sentences(attention) {
  const { sentences: numbers, tokens } = passage();
  const shares = new Map();
  const texts = new Map();
  tokens.forEach((text, token) => {
    if (!token) return;
    texts.set(numbers[token], (texts.get(numbers[token]) ?? "") + text);
    if (token < state.token) shares.set(numbers[token], (shares.get(numbers[token]) ?? 0) + attention[token]);
  });
  const most = [...shares].sort((one, other) => other[1] - one[1]).slice(0, SENTENCES_SHOWN);
  const snippet = (number) => {
    const text = texts.get(number).trim();
    const own = number === numbers[state.token] ? "(its own, up to the token) " : "";
    return own + (text.length > SNIPPET ? `${text.slice(0, text.lastIndexOf(" ", SNIPPET))} …` : text);
  };
  return table(["sentence", "share"], most.map(([number, share]) => [element("span", { text: snippet(number), dir: "auto" }), percent(share)]));
}

function lossesAndBlocks() {
  const reference = armNamed(state.a).losses[state.passage][state.token];
  const losses = data.arms.map((arm) => {
    const loss = arm.losses[state.passage][state.token];
    const change = loss === null || reference === null ? "" : `${loss >= reference ? "+" : "−"}${Math.abs(loss - reference).toFixed(2)}`;
    return [arm.name, loss === null ? "–" : loss.toFixed(3), arm.name === state.a ? "" : change];
  });
  const present = [...new Set(passage().blocks.slice(1))];
  const blocks = present.map((block) => element("li", {}, blockLabel(block),
    element("span", { className: "quiet", text: `${block === passage().blocks[state.token] ? " (its own)" : ""}${blockOf(block).words && `, ${blockOf(block).words}`}. ${topicOf(blockOf(block))}` })));
  return element("div", {},
    element("h3", { text: `Loss when predicting “${nameOf(state.token)}” (nats)` }), table(["arm", "loss", `relative to ${state.a}`], losses),
    element("h3", { text: "Blocks of this passage" }), element("ul", {}, ...blocks));
}

// --- Start ------------------------------------------------------------------------------------------------------------

function fillControls() {
  const options = (select, names) => select.replaceChildren(...names.map(([value, text]) => element("option", { value, text })));
  options(controls.passage, data.passages.map((one, number) => [number, `${number + 1}: ${one.title}`]));
  for (const select of [controls.a, controls.b]) options(select, data.arms.map((arm) => [arm.name, arm.name]));
  const heads = Math.max(0, ...data.arms.map((arm) => arm.headCount));
  options(controls.head, [[MEAN, "mean"], ...Array.from({ length: heads }, (_, head) => [head, `head ${head}`])]);
  for (const [name, control] of Object.entries(controls)) {
    control.addEventListener("change", () => {
      control.blur(); // otherwise the arrow keys would keep changing the menu
      show({ [name]: name === "passage" ? Number(control.value) : control.value });
    });
  }
}

function onKey(event) {
  if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  const moves = {
    ArrowLeft: () => ({ token: within(state.token - 1, passage().tokens.length - 1) }),
    ArrowRight: () => ({ token: within(state.token + 1, passage().tokens.length - 1) }),
    ArrowUp: () => ({ layer: within(state.layer + 1, data.layers - 1) }),
    ArrowDown: () => ({ layer: within(state.layer - 1, data.layers - 1) }),
    "[": () => ({ passage: within(state.passage - 1, data.passages.length - 1) }),
    "]": () => ({ passage: within(state.passage + 1, data.passages.length - 1) }),
  };
  if (event.key in moves) {
    event.preventDefault();
    show(moves[event.key]());
  }
}

async function start() {
  const packed = Uint8Array.from(atob(byId("stream").textContent.trim()), (character) => character.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
  fillControls();
  state = stateOfAddress();
  show();
  addEventListener("keydown", onKey);
  addEventListener("hashchange", () => { state = stateOfAddress(); show(); });
  document.body.dataset.ready = "true";
}

start().catch((error) => {
  byId("help").replaceChildren(element("span", { id: "error", text: `This page cannot be shown: ${error.message}. It needs a browser from 2023 or later.` }));
});
