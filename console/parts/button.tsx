import type { ReactNode } from 'react'
import css from './button.module.css'

interface ButtonProps {
  children: ReactNode
  onPress: () => void
  /** The key that does the same. It stands on the button. */
  keyHint?: string | undefined
  /** Why it cannot be pressed now; it stands in the title and is read with the button. */
  refusal?: string | null | undefined
  kind?: 'MAIN' | 'PLAIN' | 'QUIET'
  pressed?: boolean | undefined
  label?: string | undefined
}

/**
 * A button with its key. A refused one stays in the order of the Tab key and says why, so that who
 * reads with a screen reader finds out too.
 */
export function Button({
  children,
  onPress,
  keyHint,
  refusal,
  kind = 'PLAIN',
  pressed,
  label,
}: ButtonProps) {
  const isRefused = refusal !== null && refusal !== undefined
  return (
    <button
      type="button"
      className={css.button}
      data-kind={kind}
      aria-disabled={isRefused || undefined}
      aria-pressed={pressed}
      aria-label={label}
      aria-keyshortcuts={keyHint}
      title={isRefused ? refusal : undefined}
      onClick={() => !isRefused && onPress()}
    >
      <span>{children}</span>
      {keyHint && <Key name={keyHint} />}
      {isRefused && <span className="visually-hidden">: {refusal}</span>}
    </button>
  )
}

const NAMES: Record<string, string> = {
  Enter: '↵',
  Escape: 'esc',
  Space: 'space',
  '$mod+k': '⌘k',
  '$mod+Enter': '⌘↵',
}

export function Key({ name }: { name: string }) {
  return (
    <kbd className={css.key} aria-hidden="true">
      {NAMES[name] ?? name}
    </kbd>
  )
}
