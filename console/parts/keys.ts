import { useEffect, useRef } from 'react'
import { tinykeys } from 'tinykeys'

/** One key and what it does here. `hidden` ones are not on the key sheet. */
export interface KeyAction {
  /** As tinykeys writes it: `j`, `Enter`, `g q`, `$mod+k`. */
  key: string
  name: string
  run: () => void
  hidden?: boolean
  /** Whether a key that is held down acts again and again. */
  repeats?: boolean
}

/** What is shown adds its keys here; the key sheet lists them, the latest first. */
const active = new Set<{ title: string; actions: KeyAction[] }>()

export function activeKeys(): { title: string; actions: KeyAction[] }[] {
  return [...active].reverse()
}

/**
 * Binds keys while the part is shown. They rest while a person types, and while a dialog is open.
 * The actions may be new ones at every paint: a key runs the one that was painted last.
 */
export function useKeys(title: string, actions: KeyAction[]): void {
  const latest = useRef(actions)
  latest.current = actions
  const names = actions.map((a) => a.key).join('\n')
  useEffect(() => {
    const entry = {
      title,
      get actions() {
        return latest.current
      },
    }
    active.add(entry)
    const bindings = Object.fromEntries(
      names.split('\n').map((key) => [
        key,
        (event: KeyboardEvent) => {
          if (rests(event, key)) return
          const found = latest.current.find((a) => a.key === key)
          if (!found || (event.repeat && !found.repeats)) return
          event.preventDefault()
          found.run()
        },
      ]),
    )
    const stop = tinykeys(window, bindings)
    return () => {
      stop()
      active.delete(entry)
    }
  }, [title, names])
}

/** After `g` the next key names a screen, and does not do what it does alone. */
const sequenceMs = 1_000
let sequenceUntil = 0
addEventListener(
  'keydown',
  (event) => {
    if (event.key.length > 1) return
    inSequence = performance.now() < sequenceUntil
    sequenceUntil = event.key === 'g' && !inSequence ? performance.now() + sequenceMs : 0
  },
  { capture: true },
)
let inSequence = false

function rests(event: KeyboardEvent, key: string): boolean {
  if (inSequence && !key.includes(' ')) return true
  const at = event.target instanceof HTMLElement ? event.target : null
  // A button does its own on Enter and Space.
  if (at?.closest('button, a, summary') && (event.key === 'Enter' || event.key === ' ')) return true
  const types = at?.closest('input:not([type="checkbox"]), textarea, select, [contenteditable]')
  return types !== null && types !== undefined
    ? event.key !== 'Escape' && !event.metaKey && !event.ctrlKey
    : document.querySelector('dialog[open]') !== null
}
