/**
 * `npm run test:browser`: the HTML report in a real browser, on a phone and a desk, light and dark. Looks at what a unit test cannot see:
 * that nothing is too wide, cut or on top of something else, that colours can be told from their ground, that nothing is loaded and
 * nothing complains. `--write-docs` also writes the screenshots of docs. The last line counts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import { exampleResult } from '../src/example.test.kit.ts';
import { parseBenchResult } from '../src/form/parse.ts';
import { writeReport } from '../src/report/report.ts';
import type { BenchResult } from '../src/result.ts';
import { Browser, type BrowserEvent, findBrowser } from './browser.ts';
import { faultyPage, plantedFaults } from './faulty-page.ts';

const usage = `npm run test:browser -- [options]

Looks at the report of \`pqtun bench --html\` in a headless Chromium; installs Debian's where there is none and this is root.

  --from FILE     also looks at the report of this result (of \`pqtun bench --json\`)
  --write-docs    writes docs/benchmarks/report-phone.png and report-desk.png from docs/benchmarks/machine.json
  --shots FOLDER  writes a screenshot of every view there
  --help          this text
`;

const docs = fileURLToPath(new URL('../../docs/benchmarks', import.meta.url));
const inspection = readFileSync(new URL('inspect-page.mjs', import.meta.url), 'utf8');
/** A page of docs is no place for more. */
const mostPictureBytes = 300_000;

const sizes = [
  { width: 360, height: 800, name: 'small phone' },
  { width: 390, height: 844, name: 'phone' },
  { width: 1280, height: 800, name: 'desk' },
] as const;
const schemes = ['light', 'dark'] as const;

interface Inspection {
  readonly faults: readonly string[];
  readonly texts: number;
  readonly pictures: number;
  readonly shapes: number;
}

interface Options {
  readonly from: string | undefined;
  readonly writeDocs: boolean;
  readonly shots: string | undefined;
}

const counts = { passed: 0, failed: 0, skipped: 0 };

function judge(what: string, faults: readonly string[]): void {
  counts[faults.length === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${faults.length === 0 ? '✓' : '✗'} ${what}`);
  for (const fault of faults.slice(0, 12)) console.log(`    ${fault}`);
  if (faults.length > 12) console.log(`    and ${faults.length - 12} more`);
}

async function main(options: Options): Promise<void> {
  const found = findBrowser((line) => console.error(line));
  if ('missing' in found) {
    counts.skipped += 1;
    console.log(`– the report in a browser: skipped: ${found.missing}`);
    return;
  }
  const folder = temporaryFolder('report');
  const browser = await Browser.start(found.path);
  try {
    await seePlantedFaults(browser, folder);
    for (const [name, result] of results(options)) {
      const page = join(folder, `${name}.html`);
      writeFileSync(page, writeReport(result), { mode: 0o600 });
      await lookAt(browser, name, pathToFileURL(page).href, options);
      if (name === 'example') await lookAtPaper(browser, pathToFileURL(page).href);
    }
    if (options.writeDocs) {
      const page = join(folder, 'docs.html');
      writeFileSync(page, writeReport(read(join(docs, 'machine.json'))), { mode: 0o600 });
      await writePictures(browser, pathToFileURL(page).href);
    }
  } finally {
    await browser.close();
    removeNow(folder);
  }
}

/** What finds nothing on a bad page says nothing about a good one. */
async function seePlantedFaults(browser: Browser, folder: string): Promise<void> {
  const path = join(folder, 'faulty.html');
  writeFileSync(path, faultyPage, { mode: 0o600 });
  const said = await open(browser, pathToFileURL(path).href, {
    width: 360,
    height: 800,
    scheme: 'light',
    scale: 1,
  });
  const all = [...said, ...(await inspect(browser)).faults];
  const unseen = plantedFaults
    .filter(([, form]) => !all.some((fault) => form.test(fault)))
    .map(([name]) => name);
  judge(
    `a page with ${plantedFaults.length} planted faults: ${all.length} found`,
    unseen.map((name) => `${name} was not seen`),
  );
}

/** The full example, one of what a bare machine gives, and one whose text is as bad as a board's maker can make it. */
function results({ from }: Options): (readonly [string, BenchResult])[] {
  const example = exampleResult();
  const sparse: BenchResult = {
    ...example,
    remarks: [],
    missing: [],
    rows: example.rows.filter(({ section }) => section === 'parts'),
    machine: { ...example.machine, board: 'unknown', engines: [], offloads: [], features: [] },
  };
  const long = 'Long-Name<b>&"\'-'.repeat(12);
  const strange: BenchResult = {
    ...example,
    machine: { ...example.machine, cpu: long, board: `<script>alert(1)</script>${long}` },
    rows: example.rows.map((row) => ({
      ...row,
      id: row.id.replace('/raw/', '/multibuffer/').replace('/evp/', `/${'x'.repeat(60)}/`),
      title: row.section === 'parts' ? long : row.title,
    })),
    missing: [{ section: 'tunnel', what: long, why: long }],
  };
  return [
    ['example', example],
    ['sparse', sparse],
    ['strange', strange],
    ...(from === undefined ? [] : [['given', read(from)] as const]),
  ];
}

function read(path: string): BenchResult {
  return parseBenchResult(readFileSync(path, 'utf8'));
}

async function lookAt(browser: Browser, name: string, url: string, { shots }: Options): Promise<void> {
  for (const { width, height, name: device } of sizes)
    for (const scheme of schemes) {
      const complaints = await open(browser, url, { width, height, scheme, scale: 1 });
      const what = `${name}, ${device} ${width} × ${height}, ${scheme}`;
      if (shots !== undefined) await screenshot(browser, join(shots, `${name}-${width}-${scheme}.png`), true);
      const folded = await inspect(browser);
      await browser.evaluate('for (const each of document.querySelectorAll("details")) each.open = true');
      const unfolded = await inspect(browser);
      const isSeen = folded.texts > 20 && (name === 'sparse' || (folded.pictures > 5 && folded.shapes > 50));
      judge(`${what}: ${unfolded.texts} texts, ${unfolded.pictures} pictures`, [
        ...complaints,
        ...(isSeen ? [] : ['too little was seen to say anything']),
        ...new Set([...folded.faults, ...unfolded.faults]),
      ]);
    }
}

/** What is folded away on a screen is there on paper, in dark ink on white, whatever the screen likes. */
async function lookAtPaper(browser: Browser, url: string): Promise<void> {
  const complaints = await open(browser, url, {
    width: 794,
    height: 1123,
    scheme: 'dark',
    scale: 1,
    media: 'print',
  });
  const paper = await inspect(browser);
  const ground = await browser.evaluate('getComputedStyle(document.body).backgroundColor');
  judge(`on paper: ${paper.texts} texts, ${paper.pictures} pictures`, [
    ...complaints,
    ...paper.faults,
    ...(paper.texts > 800 ? [] : ['the tables are not unfolded']),
    ...(ground === 'rgb(255, 255, 255)' ? [] : [`the ground is ${ground}`]),
  ]);
}

async function inspect(browser: Browser): Promise<Inspection> {
  return (await browser.evaluate(inspection)) as Inspection; // what the file's last line gives
}

interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme: (typeof schemes)[number];
  readonly scale: number;
  readonly media?: 'print';
}

let listened = false;
let complaints: string[] = [];

/** Loads the page; what it complained of and what it asked the network for. */
async function open(
  browser: Browser,
  url: string,
  { width, height, scheme, scale, media }: View,
): Promise<string[]> {
  if (!listened) {
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.call(`${domain}.enable`);
    browser.on((event) => complaints.push(...complaint(event)));
    listened = true;
  }
  await browser.call('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: scale,
    mobile: width < 500,
  });
  await browser.call('Emulation.setEmulatedMedia', {
    media: media ?? 'screen',
    features: [{ name: 'prefers-color-scheme', value: scheme }],
  });
  complaints = [];
  const loaded = browser.once('Page.loadEventFired');
  await browser.call('Page.navigate', { url });
  await loaded;
  await browser.evaluate('document.fonts.ready.then(() => 1)');
  const isDark = await browser.evaluate('matchMedia("(prefers-color-scheme: dark)").matches');
  return [...complaints, ...(isDark === (scheme === 'dark') ? [] : [`it is not ${scheme}`])];
}

function complaint({ method, params }: BrowserEvent): string[] {
  const text = JSON.stringify(params).slice(0, 300);
  if (method === 'Runtime.exceptionThrown' || method === 'Runtime.consoleAPICalled')
    return [`console: ${text}`];
  if (method === 'Log.entryAdded') return [`browser: ${text}`];
  if (method !== 'Network.requestWillBeSent') return [];
  const { request, type } = params as { request?: { url?: string }; type?: string }; // as the protocol says
  return type === 'Document' && request?.url?.startsWith('file:') ? [] : [`it asked for ${request?.url}`];
}

async function screenshot(browser: Browser, path: string, whole: boolean): Promise<number> {
  const { data } = await browser.call('Page.captureScreenshot', {
    format: 'png',
    captureBeyondViewport: whole,
  });
  const bytes = Buffer.from(String(data), 'base64');
  writeFileSync(path, bytes);
  return bytes.length;
}

async function writePictures(browser: Browser, url: string): Promise<void> {
  for (const [name, width, height, anchor] of [
    // The phone's first window is words and figures: shown is where its charts begin.
    ['report-phone.png', 390, 844, '#records'],
    ['report-desk.png', 1280, 800, ''],
  ] as const) {
    await open(browser, url, { width, height, scheme: 'light', scale: 1 });
    if (anchor !== '') await browser.evaluate(`document.querySelector('${anchor}').scrollIntoView()`);
    const path = join(docs, name);
    const length = await screenshot(browser, path, false);
    judge(
      `wrote docs/benchmarks/${name}, ${length} B`,
      length <= mostPictureBytes ? [] : [`more than ${mostPictureBytes} B`],
    );
  }
}

function parseOptions(): Options | 'help' {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      shots: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  return values.help ? 'help' : { from: values.from, writeDocs: values['write-docs'], shots: values.shots };
}

let options: Options | 'help' | undefined;
try {
  options = parseOptions();
} catch (error) {
  console.error(`test:browser: ${error instanceof Error ? error.message : String(error)}; see --help`);
  process.exitCode = 2;
}
if (options === 'help') process.stdout.write(usage);
else if (options !== undefined) {
  try {
    await main(options);
  } catch (error) {
    judge('the report in a browser', [error instanceof Error ? error.message : String(error)]);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed === 0 ? 0 : 1;
}
