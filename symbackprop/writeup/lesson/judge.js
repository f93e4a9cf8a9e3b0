/* Is an answer right, and if not, which of the usual mistakes gives this number?

   Every mistake is worked out at the numbers of the moment. Nothing is said about a number but what would make it come out; two
   mistakes that give the same number are both named. */

/* The derivatives by everything, some local derivatives replaced: `changed` maps the number of a use to a value. */
function sweep(v, changed) {
  const found = Object.create(null);
  found[data.loss] = 1;
  data.uses.forEach(([consumer, name], at) => {
    const local = changed.has(at) ? changed.get(at) : program.local[at](v);
    found[name] = (found[name] || 0) + found[consumer] * local;
  });
  return found;
}

const adjoint = (v, name) => v[data.adjoints[name]];

const numbersIn = (text) => text.split(" ").filter(Boolean).map(Number);

function fromSlopes(v, name) {
  return data.mistakes.map(([kind, names, changes]) => {
    const pairs = numbersIn(changes);
    const changed = new Map();
    for (let k = 0; k < pairs.length; k += 2) changed.set(pairs[k], program.wrong[pairs[k + 1]](v));
    return { kind: data.kinds[kind], names: numbersIn(names).map((at) => data.order[at]), value: sweep(v, changed)[name] };
  });
}

/* A use left out or kept alone, a weight or input left out or taken from elsewhere: these need no expression but names. */
function fromStructure(v, name) {
  const found = [];
  const add = (kind, names, ...changes) => found.push({ kind, names, value: sweep(v, new Map(changes))[name] });
  const columnOf = (one) => data.columns.find((column) => column.includes(one)) || [one];
  const uses = data.uses.map(([consumer, used], at) => ({ consumer, used, at, factor: data.factors[at] }));
  const inner = (use) => data.defined.includes(use.used);
  const several = uses.filter((use) => uses.some((other) => other.used === use.used && other !== use));
  const without = (some) => add("path missing", Array.from(new Set(some.map((use) => use.consumer))), ...some.map((use) => [use.at, 0]));
  several.forEach((use) => {
    const others = several.filter((other) => other.used === use.used && other !== use);
    without([use]);
    if (others.length > 1) without(others);
  });
  Array.from(new Set(several.filter(inner).map((use) => use.consumer))).forEach((consumer) => {
    without(several.filter((use) => use.consumer === consumer && inner(use)));
  });
  const weighted = uses.filter((use) => use.factor !== null && inner(use) && data.learned.includes(use.factor));
  weighted.forEach((use) => {
    const [consumers, sources] = [columnOf(use.consumer), columnOf(use.used)];
    const mirrored = (other) => consumers.indexOf(other.consumer) === sources.indexOf(use.used) && sources.indexOf(other.used) === consumers.indexOf(use.consumer);
    weighted.filter((other) => other !== use && other.factor !== use.factor && consumers.includes(other.consumer) && sources.includes(other.used))
      .forEach((other) => {
        if (other.consumer !== use.consumer && other.used !== use.used && !mirrored(other)) return;
        add("wrong weight", [other.factor, use.factor], [use.at, v[other.factor]]);
        add("wrong weight", [other.factor, use.factor], [use.at, v[other.factor]], [other.at, v[use.factor]]);
      });
  });
  Array.from(new Set(weighted.map((use) => use.used))).forEach((used) => {
    add("weight missing", [used], ...weighted.filter((use) => use.used === used).map((use) => [use.at, 1]));
  });
  uses.filter((use) => use.used === name && use.factor !== null && !inner(use)).forEach((use) => {
    add("input missing", [use.factor], [use.at, 1]);
    columnOf(use.factor).filter((other) => other !== use.factor).forEach((other) => add("wrong input", [other, use.factor], [use.at, v[other]]));
  });
  return found;
}

function fromResult(truth) {
  return [
    { kind: "sign", names: [], value: -truth }, { kind: "twice", names: [], value: 2 * truth },
    { kind: "half", names: [], value: truth / 2 },
  ];
}

function fromUpdate(v, name, truth) {
  const rate = v[data.rateName];
  const found = [{ kind: "rate", names: [], value: rate * truth }, { kind: "rate", names: [], value: -rate * truth }];
  return data.learned.includes(name) ? [...found, { kind: "new weight", names: [], value: v[name] - rate * truth }] : found;
}

/* The δ of another unit of the same layer, multiplied by what came in here. */
function fromOtherUnits(v, name) {
  const found = [];
  const mine = data.uses.map((use, at) => [use, at]).filter(([use]) => use[1] === name);
  if (mine.length !== 1) return found;
  const [[[consumer], at]] = mine;
  data.columns.filter((column) => column.includes(consumer)).forEach((column) => {
    column.filter((other) => other !== consumer && other in data.adjoints).forEach((other) => {
      found.push({ kind: "other delta", names: [other], value: adjoint(v, other) * program.local[at](v) });
    });
  });
  return found;
}

function otherDerivatives(v, name) {
  const asked = data.steps.filter(([phase, other]) => phase === "backward" && other !== name);
  return asked.map(([, other]) => ({ kind: "other", names: [other], value: adjoint(v, other) }));
}

function otherValues(v, name) {
  return data.defined.filter((other) => other !== name).map((other) => ({ kind: "other value", names: [other], value: v[other] }));
}

function shifted(truth) {
  return [10, 0.1, 100, 0.01, 1000, 0.001].map((factor) => ({ kind: "power", names: [], value: truth * factor }));
}

/* Every wrong answer to a step, those that are made most often first. */
function wrongAnswers(v, step) {
  const truth = program.places[step.place](v);
  const name = step.name;
  const found = step.phase === "forward"
    ? [...data.without.map(([owner, kind, names], at) => ({ owner, kind, names, at })).filter(({ owner }) => owner === name)
        .map(({ kind, names, at }) => ({ kind, names, value: program.without[at](v) })),
      ...otherValues(v, name), ...fromResult(truth), ...shifted(truth)]
    : [...fromSlopes(v, name), ...fromStructure(v, name), ...fromResult(truth), ...fromUpdate(v, name, truth), ...fromOtherUnits(v, name),
      ...otherDerivatives(v, name), ...otherValues(v, name), ...shifted(truth)];
  const apart = 1e-9 * Math.max(Math.abs(truth), 1e-12);
  return found.filter(({ value }) => Number.isFinite(value) && Math.abs(value - truth) > apart);
}

/* Of one kind and number only what is said most simply; in order of kind. */
function simplest(found) {
  const kept = [];
  found.forEach((one) => {
    const same = kept.findIndex((other) => other.kind === one.kind && Math.abs(other.value - one.value) <= 1e-9 * Math.abs(one.value));
    if (same < 0) kept.push(one);
    else if (one.names.length < kept[same].names.length) kept[same] = one;
  });
  return kept;
}

/* What a number typed with `half` a step of its last digit may stand for, if it was worked out with that many digits. */
const near = (typed, value) => Math.abs(typed.value - value) <= 1.02 * typed.half + 1e-4 * Math.abs(value) + 1e-12;
/* The same if numbers on the way were rounded to as many digits, which moves the last one by one or two. */
const about = (typed, value) => Math.abs(typed.value - value) <= Math.min(4 * typed.half, 1e-2 * Math.abs(value));
const roughly = (typed, value) => Math.abs(typed.value - value) <= typed.half + 5e-3 * Math.abs(value) + 1e-9;
const FEWEST_DIGITS = 3, MOST_KINDS = 4;

/* "right", "coarse" (right as far as it is written), "wrong" with what gives this number, "digits" (too few to tell), "none". */
function judged(v, step, text) {
  const typed = parsed(text);
  if (typed === null) return { verdict: "none", mistakes: [] };
  const truth = program.places[step.place](v);
  const exact = near(typed, truth);
  if (exact && (typed.digits >= FEWEST_DIGITS || Math.abs(typed.value - truth) <= 1e-9 * Math.abs(truth))) return { verdict: "right", mistakes: [] };
  const wrong = wrongAnswers(v, step);
  const strictly = wrong.filter(({ value }) => near(typed, value));
  if (exact || (roughly(typed, truth) && !strictly.length)) return { verdict: typed.digits >= FEWEST_DIGITS ? "right" : "coarse", mistakes: [] };
  const matching = simplest(strictly.length ? strictly : wrong.filter(({ value }) => about(typed, value)));
  const kinds = new Set(matching.map(({ kind }) => kind));
  if (typed.digits < FEWEST_DIGITS && kinds.size > 2) return { verdict: "digits", mistakes: [] };
  const few = Array.from(kinds).slice(0, MOST_KINDS);
  return { verdict: "wrong", mistakes: matching.filter(({ kind }) => few.includes(kind)), exact: strictly.length > 0 };
}
