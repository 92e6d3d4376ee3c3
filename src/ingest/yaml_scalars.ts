// Reads scalars of YAML as Kubernetes does. kube-proxy 1.37 reads its configuration with sigs.k8s.io/yaml 1.6, which has the
// booleans and numbers of YAML 1.1. In YAML 1.2 `yes` is a string and `016` is sixteen.

const YES = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const NO = /^(?:n|N|no|No|NO|off|Off|OFF)$/;
/** A number in base 8, 16 or 2, by its prefix. Underscores may separate the digits of any base. */
const BASED = /^[-+]?0(?:[0-7_]+|[oO][0-7_]+|[xX][0-9a-fA-F_]+|[bB][01_]+)$/;
const UNDERSCORED = /^[-+]?\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?$/;

const BOOL = "tag:yaml.org,2002:bool";
const NUMBER = "tag:yaml.org,2002:int";

/** The value of a scalar that matches `test`. */
export interface ScalarTag {
  readonly tag: string;
  readonly default: true;
  readonly test: RegExp;
  resolve(text: string): boolean | number;
}

/** The scalars that YAML 1.2 reads differently. They must come before the parser's own tags. */
export const KUBERNETES_SCALARS: readonly ScalarTag[] = [
  { tag: BOOL, default: true, test: YES, resolve: () => true },
  { tag: BOOL, default: true, test: NO, resolve: () => false },
  { tag: NUMBER, default: true, test: BASED, resolve: basedNumber },
  { tag: NUMBER, default: true, test: UNDERSCORED, resolve: (text) => Number(text.replaceAll("_", "")) },
];

function basedNumber(text: string): number {
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "").toLowerCase();
  const number = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return text.startsWith("-") ? -number : number;
}
