/** A Stryker reporter that names a change no test noticed as soon as it is known: a run is long, and these are what it is for. */
import { relative } from 'node:path';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';

class SurvivorReporter {
  onMutantTested({ status, fileName, location, mutatorName, replacement }) {
    if (status !== 'Survived' && status !== 'NoCoverage' && status !== 'RuntimeError') return;
    const place = `${relative(process.cwd(), fileName)}:${location.start.line}:${location.start.column}`;
    const became = replacement.replace(/\s+/g, ' ').slice(0, 100);
    console.error(`${place} ${mutatorName}: ${became}${status === 'Survived' ? '' : ` (${status})`}`);
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Reporter, 'survivors', SurvivorReporter)];
