// The file of a report: one page that loads nothing. All text of the ledger is in it compressed and in base64, so it
// cannot be HTML, and the page's policy allows only the script that came with this program.

/** Script and style of the page, made by `deno task report-page`, with their hashes for the Content-Security-Policy. */
export interface PageAsset {
  readonly script: string;
  readonly scriptHash: string;
  readonly style: string;
  readonly styleHash: string;
}

/** Id of the element that contains the data. */
export const DATA_ID = "data";
/** Id of the element that is shown until the page is made. */
export const LOADING_ID = "loading";

/** The page with `data`, which is base64. A page that is `served` may make requests to the program that serves it. */
export function reportHtml(
  { script, scriptHash, style, styleHash }: PageAsset,
  data: string,
  served = false,
): string {
  const policy = [
    "default-src 'none'",
    `script-src '${scriptHash}'`,
    `style-src '${styleHash}'`,
    ...(served ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>ledgerproxy report</title>
<style>${style}</style>
</head>
<body>
<noscript>This page reads what is in it with JavaScript, which is turned off here.</noscript>
<p id="${LOADING_ID}" role="status">Reading the records of the ledger...</p>
<script type="application/octet-stream" id="${DATA_ID}">${data}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}
