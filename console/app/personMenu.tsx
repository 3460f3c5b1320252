import { type FormEvent, useId } from 'react'
import { actAs, personNow, signInMode, signOut } from '../session/session.ts'
import { useViewer } from '../session/viewer.ts'
import css from './personMenu.module.css'
import { chooseTheme, themeNow } from './theme.ts'

/** Who is signed in, with the colours, the keys and, on a server without sign-in, other people. */
export function PersonMenu({ onKeys, onPalette }: { onKeys: () => void; onPalette: () => void }) {
  const { name } = useViewer()
  const id = useId()
  const person = personNow()
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    actAs({ actor: String(form.get('actor') ?? ''), roles: String(form.get('roles') ?? '') })
  }
  return (
    <>
      <button type="button" className={css.name} popoverTarget={id}>
        <span className={css.letter} aria-hidden="true" data-letter={name[0]?.toUpperCase()} />
        <span className={css.text}>{name}</span>
      </button>
      <div id={id} popover="auto" className={css.menu}>
        <p>
          Signed in as <b>{name}</b>
        </p>
        <button type="button" className={css.item} onClick={onPalette}>
          Go to or do something
        </button>
        <button type="button" className={css.item} onClick={onKeys}>
          Keys of this screen
        </button>
        <label className={css.field}>
          Colours
          <select defaultValue={themeNow()} onChange={(e) => chooseTheme(e.target.value as never)}>
            <option value="light dark">As the system</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
        {signInMode !== 'DEVELOPMENT' && (
          <button type="button" className={css.item} onClick={() => void signOut()}>
            Sign out
          </button>
        )}
        {signInMode === 'DEVELOPMENT' && (
          <form className={css.form} onSubmit={send}>
            <p>No sign-in on this server: act as anybody, to try approvals with two people.</p>
            <label className={css.field}>
              Name
              <input name="actor" defaultValue={person.actor} placeholder="development" />
            </label>
            <label className={css.field}>
              Roles
              <input name="roles" defaultValue={person.roles} placeholder="all" />
            </label>
            <button type="submit" className={css.item}>
              Act as this person
            </button>
          </form>
        )}
      </div>
    </>
  )
}
