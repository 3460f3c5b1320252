import { useId, useMemo, useState } from 'react'
import { Key } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { activeKeys } from '../parts/keys.ts'
import css from './palette.module.css'

/** Everything that can be done here, by words: the keys of the screen, and the ways to others. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useId()
  // Those of the moment at which it opens: the dialog adds none.
  const all = useMemo(
    () => activeKeys().flatMap((g) => g.actions.filter((a) => !a.hidden && a.key !== '$mod+k')),
    [],
  )
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = all.filter((a) => words.every((w) => a.name.toLowerCase().includes(w)))
  const run = (n: number) => {
    const action = found[n]
    if (!action) return
    onClose()
    // The dialog is closed first: an action may open another one, or move the focus.
    setTimeout(action.run)
  }
  return (
    <Dialog title="Go to or do" onClose={onClose}>
      <input
        className={css.input}
        autoFocus
        role="combobox"
        aria-label="What to do"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[at] ? `${list}-${at}` : undefined}
        placeholder="Type a word of what to do"
        value={text}
        onChange={(e) => {
          setText(e.target.value)
          setAt(0)
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') setAt((n) => Math.min(n + 1, found.length - 1))
          else if (e.key === 'ArrowUp') setAt((n) => Math.max(n - 1, 0))
          else if (e.key === 'Enter') run(at)
          else return
          e.preventDefault()
        }}
      />
      <div id={list} role="listbox" aria-label="Actions" className={css.list}>
        {found.map(({ key, name }, n) => (
          <div
            key={key}
            id={`${list}-${n}`}
            role="option"
            aria-selected={n === at}
            className={css.option}
            onClick={() => run(n)}
          >
            {name}
            <Key name={key.replace('Shift+', '')} />
          </div>
        ))}
        {found.length === 0 && <p className={css.none}>Nothing here has these words.</p>}
      </div>
    </Dialog>
  )
}
