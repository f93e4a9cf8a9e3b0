/* Numbers as they are written and as they are typed. */
const MINUS = "\u2212";
const RAISED = { "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹" };

function inPowers(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  const power = String(Number(exponent)).replace(/./g, (sign) => RAISED[sign]);
  return `${Number(mantissa)}·10${power}`;
}

/* Six significant digits. */
function shown(value) {
  if (!Number.isFinite(value)) return "?";
  const size = Math.abs(value);
  const text = size === 0 || (size >= 1e-4 && size < 1e6) ? String(Number(value.toPrecision(6))) : inPowers(value, 4);
  return text.replace("-", MINUS);
}

/* At most nine characters, for the diagram. */
function short(value) {
  if (!Number.isFinite(value)) return "?";
  const size = Math.abs(value);
  if (size !== 0 && (size < 5e-4 || size >= 1e5)) return inPowers(value, 1).replace("-", MINUS);
  return String(Number(value.toFixed(size >= 1000 ? 1 : size >= 10 ? 2 : 4))).replace("-", MINUS);
}

/* What was typed: its value, half a step of its last digit, and how many significant digits it has; null for no number. */
function parsed(text) {
  const narrow = text.replace(/[\uff01-\uff5e]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0)).replace("\u3002", ".");
  let plain = narrow.trim().replace(/[\u2212\u2013]/g, "-").replace(/\s+/g, "").replace(/^\+/, "");
  if (/^[^.]*,[^,.]*$/.test(plain)) plain = plain.replace(",", ".");
  plain = plain.replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+/, (power) => "^" + power.replace(/./g, (sign) => Object.keys(RAISED).find((key) => RAISED[key] === sign)));
  plain = plain.replace(/[*·×]10\^\(?(-?\d+)\)?$/, "e$1");
  const number = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const [above, below, ...more] = plain.split("/");
  if (more.length || !number.test(above) || (below !== undefined && !number.test(below))) return null;
  const value = Number(above) / (below === undefined ? 1 : Number(below));
  if (!Number.isFinite(value)) return null;
  if (below !== undefined) return { value, half: 0, digits: 15 };
  const [mantissa, exponent] = above.toLowerCase().split("e");
  const places = (mantissa.split(".")[1] || "").length;
  const digits = mantissa.replace(/[-.]/g, "").replace(/^0+/, "").length;
  return { value, half: 0.5 * Math.pow(10, Number(exponent || 0) - places), digits };
}
