/**
 * What tells series apart: a colour, and for those who do not see it a dash, a marker and a hatch. Colours have a contrast of 3:1 or more
 * to the ground of charts in light and in dark, and differ in lightness as well; report.test.ts and the browser test hold them to that.
 */

export interface Look {
  /** Class of the series; the style sheet has its colours. */
  readonly name: string;
  readonly light: string;
  readonly dark: string;
  readonly dash: string;
  readonly marker: 'circle' | 'square' | 'triangle' | 'diamond' | 'cross';
}

export const looks: readonly Look[] = [
  { name: 's1', light: '#0b5cad', dark: '#6cb6ff', dash: '', marker: 'circle' },
  { name: 's2', light: '#b8500a', dark: '#ffb35c', dash: '7 3', marker: 'square' },
  { name: 's3', light: '#0a7a66', dark: '#3fd0ae', dash: '2 3', marker: 'triangle' },
  { name: 's4', light: '#a3307a', dark: '#f59bd0', dash: '8 3 2 3', marker: 'diamond' },
  { name: 's6', light: '#6f5b00', dark: '#d9c84f', dash: '5 2 1 2', marker: 'square' },
  { name: 's5', light: '#39414b', dark: '#dfe5ec', dash: '1 4', marker: 'cross' },
];

/** Names that always look the same, whatever else is on the page. */
const fixed: Readonly<Record<string, number>> = {
  raw: 0,
  evp: 1,
  node: 2,
  noble: 3,
  multibuffer: 5,
  native: 0,
  portable: 1,
  standard: 0,
  metered: 2,
  wireguard: 5,
  typescript: 1,
};

export function lookOf(name: string, index: number): Look {
  const at = fixed[name] ?? index % looks.length;
  return looks[at] ?? (looks[0] as Look); // there is a first one
}

/** Of the page, by theme. Each text has 4.5:1 or more to each ground it may stand on. */
export const themes = {
  light: {
    ground: '#f5f6f4',
    card: '#ffffff',
    text: '#1b2126',
    soft: '#55606b',
    line: '#d9dedb',
    grid: '#e4e8e6',
    accent: '#0b5cad',
    warnGround: '#fdf1d7',
    warnText: '#6b4300',
    warnLine: '#d99a1c',
  },
  dark: {
    ground: '#11161a',
    card: '#1a2127',
    text: '#e8edf1',
    soft: '#a5b1bc',
    line: '#313b44',
    grid: '#2a333b',
    accent: '#6cb6ff',
    warnGround: '#33270f',
    warnText: '#ffd98a',
    warnLine: '#b9851f',
  },
} as const;

export type Theme = Readonly<Record<keyof (typeof themes)['light'], string>>;
