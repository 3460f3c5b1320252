import { Key } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { activeKeys } from '../parts/keys.ts'
import css from './keySheet.module.css'

/** The keys of what is shown now. */
export function KeySheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      {activeKeys().map(({ title, actions }) => (
        <section key={title} className={css.group}>
          <h2>{title}</h2>
          <dl>
            {actions
              .filter((a) => !a.hidden)
              .map(({ key, name }) => (
                <div key={key} className={css.row}>
                  <dt>{name}</dt>
                  <dd>
                    <Key name={key.replace('Shift+', '')} />
                    <span className="visually-hidden">{key}</span>
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Dialog>
  )
}
