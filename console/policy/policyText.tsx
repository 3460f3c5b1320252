import { Button } from '../parts/button.tsx'
import { Time } from '../parts/time.tsx'
import { lineDiff } from './lineDiff.ts'
import type { PolicyTextQuery, PolicyVersionsQuery } from './policy.generated.ts'
import css from './policy.module.css'

type File = NonNullable<PolicyTextQuery['policyText']>['files'][number]
type Publication = NonNullable<PolicyVersionsQuery['publications']>['nodes'][number]

interface PolicyTextProps {
  files: readonly File[]
  file: File
  drafts: Readonly<Record<string, string>>
  editing: boolean
  /** The publication that made it active; null: it is shipped with the program. */
  publication: Publication | null
  onFile: (name: string) => void
  onDraft: (name: string, text: string) => void
}

/** The text of the active policy by file, and what was changed in it here. */
export function PolicyText(props: PolicyTextProps) {
  const { files, file, drafts, editing, publication, onFile, onDraft } = props
  const draft = drafts[file.name] ?? file.text
  return (
    <div className={css.part}>
      <p>
        {publication ? (
          <>
            Version <code>{publication.version}</code>, published by {publication.actor}{' '}
            <Time at={publication.startedAt} />: {publication.reason}
          </>
        ) : (
          'The policy that is shipped with the program. Nothing was published yet.'
        )}
      </p>
      <div role="group" aria-label="Files" className={css.line}>
        {files.map(({ name, text, types }) => (
          <Button key={name} pressed={name === file.name} onPress={() => onFile(name)}>
            {types.length > 0 ? types.join(', ') : name}
            {(drafts[name] ?? text) !== text && ' · changed'}
          </Button>
        ))}
      </div>
      {editing ? (
        <textarea
          className={css.editor}
          aria-label={`Text of ${file.name}`}
          spellCheck={false}
          rows={Math.min(60, draft.split('\n').length + 2)}
          value={draft}
          onChange={(e) => onDraft(file.name, e.target.value)}
          onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()}
        />
      ) : draft === file.text ? (
        <section aria-label={`Text of ${file.name}`}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls is reached by keyboard */}
          <pre className={css.text} tabIndex={0}>
            {file.text}
          </pre>
        </section>
      ) : null}
      {draft !== file.text && <Diff before={file.text} after={draft} name={file.name} />}
    </div>
  )
}

const SIGNS = { SAME: ' ', ADDED: '+', REMOVED: '−' } as const
const WORDS = { SAME: '', ADDED: 'added: ', REMOVED: 'removed: ' } as const

/** The lines that differ, with a sign, so that the colour does not stand alone. */
export function Diff({ before, after, name }: { before: string; after: string; name: string }) {
  const lines = lineDiff(before, after)
  return (
    <section aria-label={`Changes in ${name}`}>
      <h2>Changes in {name}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls is reached by keyboard */}
      <pre className={css.text} tabIndex={0}>
        {lines.map((line, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
          <span key={n} className={css.row} data-kind={line.kind}>
            <span aria-hidden="true">{SIGNS[line.kind]} </span>
            <span className="visually-hidden">{WORDS[line.kind]}</span>
            {line.text}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  )
}
