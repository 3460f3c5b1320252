import { writeAt } from '../../connectors/mapping/rawPath.ts'
import type { WrittenValue } from './echo.ts'

/**
 * Returns what a source system holds now, as far as is known: what it states itself, with the values
 * over it that were written and that it has not replaced since.
 */
export function heldRaw(
  raw: Readonly<Record<string, unknown>>,
  written: readonly WrittenValue[],
): Record<string, unknown> {
  let held: Record<string, unknown> = raw
  for (const { path, value } of [...written]
    .filter((w) => w.state === 'WRITTEN' || w.state === 'SEEN')
    .sort((a, b) => a.intentId - b.intentId))
    held = writeAt(held, path, value) ?? held
  return held
}
