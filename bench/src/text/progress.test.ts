import { describe, expect, it } from 'vitest';
import type { Progress } from '../run.ts';
import { barText, lineText, ProgressDisplay } from './progress.ts';

const section = { id: 'records', title: 'Records', isDefault: true } as const;
const at = (done: number, label = 'seal 64 B, raw'): Progress => ({
  section: { ...section, estimate: () => 1, run: async () => ({ rows: [] }) },
  number: 1,
  count: 3,
  done,
  label,
});

class Screen {
  time = 0;
  text = '';
  display(isTerminal: boolean): ProgressDisplay {
    return new ProgressDisplay({
      write: (text) => {
        this.text += text;
      },
      isTerminal,
      now: () => this.time,
    });
  }
}

describe('progress', () => {
  it('is a bar on a terminal, in one line that is never longer than 79 characters', () => {
    expect(barText(at(0))).toBe('[........................]   0 %  records: seal 64 B, raw');
    expect(barText(at(0.5))).toBe('[############............]  50 %  records: seal 64 B, raw');
    expect(barText(at(1))).toContain('100 %');
    expect([...barText(at(0.5, 'µ'.repeat(100)))]).toHaveLength(79);
  });

  it('is drawn over itself, ten times a second at most, and wiped before anything else', () => {
    const screen = new Screen();
    const display = screen.display(true);
    display.clear();
    expect(screen.text).toBe('');
    for (screen.time = 0; screen.time < 1000; screen.time += 10) display.update(at(screen.time / 1000));
    const drawn = screen.text.split('\r\u001b[K');
    expect(drawn).toHaveLength(11);
    expect(screen.text).not.toContain('\n');
    display.clear();
    expect(screen.text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('is a line every ten seconds where there is no terminal', () => {
    const screen = new Screen();
    const display = screen.display(false);
    for (screen.time = 0; screen.time <= 25_000; screen.time += 500) display.update(at(screen.time / 50_000));
    display.clear();
    expect(screen.text).toBe(
      'bench: records, 1 of 3 sections, 20 % done\nbench: records, 1 of 3 sections, 40 % done\n',
    );
    expect(lineText(at(0.999))).toContain('99 % done');
  });
});
