import { InvalidArgumentError } from 'commander'
import { ACTOR_NAMES, isActorName } from '../../../schema/kit/actorName.ts'

export function parseActor(text: string): string {
  if (!isActorName(text)) throw new InvalidArgumentError(`It must be ${ACTOR_NAMES}.`)
  return text
}
