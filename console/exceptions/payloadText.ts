/**
 * Returns a payload as people read it: JSON is indented. A text that would change by it stays as it
 * is: JSON may have numbers that no JavaScript number holds.
 */
export function pretty(payload: string): string {
  try {
    const value: unknown = JSON.parse(payload)
    return JSON.stringify(value) === payload ? JSON.stringify(value, null, 2) : payload
  } catch {
    return payload
  }
}
