import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useLiveState } from '../graph/live.ts'
import { Key } from '../parts/button.tsx'
import { useKeys } from '../parts/keys.ts'
import { Toasts } from '../parts/toasts.tsx'
import { refusalOf, useViewer } from '../session/viewer.ts'
import { KeySheet } from './keySheet.tsx'
import { Palette } from './palette.tsx'
import { PersonMenu } from './personMenu.tsx'
import { SCREENS } from './screens.ts'
import css from './shell.module.css'

export function Shell() {
  const viewer = useViewer()
  const navigate = useNavigate()
  const [shown, setShown] = useState<'PALETTE' | 'KEYS' | null>(null)
  const listed = SCREENS.flatMap((s) => (s.letter ? [{ ...s, letter: s.letter }] : []))
  const go = (to: string) => void navigate({ to })
  useKeys('Everywhere', [
    { key: '$mod+k', name: 'Go to a screen, or do something', run: () => setShown('PALETTE') },
    { key: 'Shift+?', name: 'Show the keys of this screen', run: () => setShown('KEYS') },
    // Keyboards on which it needs no Shift.
    { key: '?', name: 'Show the keys', run: () => setShown('KEYS'), hidden: true },
    { key: '/', name: 'Search golden records', run: () => searchBox() || go('/search') },
    ...listed.map(({ letter, name, path }) => ({
      key: `g ${letter}`,
      name: `Go to ${name}`,
      run: () => go(path),
    })),
  ])
  return (
    <div className={css.whole}>
      <a className={css.skip} href="#main">
        Skip to the content
      </a>
      <nav className={css.nav} aria-label="Screens">
        <Link to="/" className={css.brand} aria-label="Touchstone">
          <img src="/console/icon.svg" alt="" width="20" height="20" />
          <span>Touchstone</span>
        </Link>
        <ul className={css.screens}>
          {listed.map(({ path, name, letter, needs }) => {
            const refusal = refusalOf(viewer, needs)
            return (
              <li key={path}>
                {refusal ? (
                  <span className={css.refused} title={refusal}>
                    {name}
                    <span className="visually-hidden">: {refusal}</span>
                  </span>
                ) : (
                  <Link to={path} className={css.link} activeProps={{ 'aria-current': 'page' }}>
                    {name}
                    <span className={css.letter}>
                      <Key name={`g ${letter}`} />
                    </span>
                  </Link>
                )}
              </li>
            )
          })}
        </ul>
        <div className={css.foot}>
          <Live />
          <PersonMenu onKeys={() => setShown('KEYS')} onPalette={() => setShown('PALETTE')} />
        </div>
      </nav>
      <main id="main" className={css.main} tabIndex={-1}>
        <Outlet />
      </main>
      <Toasts />
      {shown === 'PALETTE' && <Palette onClose={() => setShown(null)} />}
      {shown === 'KEYS' && <KeySheet onClose={() => setShown(null)} />}
    </div>
  )
}

/** Focuses the text of a search that is shown already. Returns whether one is. */
function searchBox(): boolean {
  const box = document.getElementById('search-text')
  box?.focus()
  return box !== null
}

/** Whether changes of others show by themselves. */
function Live() {
  const state = useLiveState()
  if (state === 'IDLE') return null
  return (
    <span className={css.live} data-state={state} role="status">
      <span aria-hidden="true">{state === 'LIVE' ? '●' : '○'}</span>
      {state === 'LIVE' ? 'Live' : 'Reconnecting'}
    </span>
  )
}
