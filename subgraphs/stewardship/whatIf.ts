import type { Caller } from '../../mdm/review/input.ts'
import { type KeptPolicy, keptVersion } from '../../mdm/review/policies.ts'
import { mayDo, type StewardshipRules } from '../../mdm/review/rules.ts'
import type { Simulation } from '../../mdm/simulate.ts'

/** Runs a what-if away from the thread that answers queries. Throws PolicyError where the policy is not right. */
export type Simulate = (kept: KeptPolicy, sample: number | undefined) => Promise<Simulation>

const PARAMETERS = '.parameters.json'

/** The mutation simulatePolicy: one what-if at a time in each process. */
export function whatIf(simulate: Simulate | undefined, rules: StewardshipRules) {
  let running = false
  const refused = (rule: string, detail: string) => ({ __typename: 'ActionRefused', rule, detail, inTheWay: null })
  return async (caller: Caller, files: { name: string; text: string }[], sample: number | null | undefined) => {
    if (!mayDo(rules, caller.roles, 'PUBLISH'))
      return refused('MISSING_ROLE', 'a what-if needs the role for publishing')
    if (!simulate) return refused('NOT_HERE', 'this process runs no what-ifs: ask the gateway, or use the command')
    if (running) return refused('BUSY', 'another what-if is running: wait for its end')
    if (sample !== null && sample !== undefined && sample < 1) return refused('BAD_SAMPLE', 'a sample has 1 or more')
    running = true
    try {
      return { __typename: 'Simulation', ...(await simulate(keptPolicy(files), sample ?? undefined)) }
    } catch (e) {
      if (e instanceof Error && (['PolicyError', 'ModelError'].includes(e.name) || e instanceof SyntaxError))
        return refused('BAD_POLICY', e.message)
      throw e
    } finally {
      running = false
    }
  }
}

function keptPolicy(files: { name: string; text: string }[]): KeptPolicy {
  const of = (end: string) => files.filter((f) => f.name.endsWith(end))
  const model = Object.fromEntries(of('.graphql').map((f) => [f.name, f.text]))
  const parameters = Object.fromEntries(
    of(PARAMETERS).map((f) => [f.name.slice(0, -PARAMETERS.length), JSON.parse(f.text) as unknown]),
  )
  return { version: keptVersion(model, parameters), model, parameters }
}
