import { type Command, Option } from 'commander'
import type { ControlDesk } from '../../../mdm/connections/control.ts'
import { commandActor } from '../../config/commandActor.ts'
import type { Config } from '../../config/config.ts'
import { type Installation, pulledObjects } from '../../config/installation.ts'
import { DATABASE_CONFIG } from '../../connect.ts'
import { parseActor } from '../input/parseActor.ts'
import { parseReason } from '../input/parseReason.ts'

export const SYNC_SETTINGS = [...DATABASE_CONFIG, 'sources'] as const
export type SyncSettings = Config<(typeof SYNC_SETTINGS)[number]>

export interface TargetFlags {
  object?: string
}

/** The flags of a request that the audit log records. */
export interface RequestFlags {
  reason: string
  actor: string
}

/** Adds the options of RequestFlags to a command. */
export function withReason(command: Command): Command {
  return command
    .addOption(
      new Option('--reason <text>', 'reason, for the audit log')
        .argParser(parseReason)
        .makeOptionMandatory(),
    )
    .addOption(actorOption())
}

export function actorOption(): Option {
  return new Option('--actor <name>', 'actor, for the audit log')
    .argParser(parseActor)
    .default(commandActor())
}

export function syncDesk(
  { connections, files, rules }: Installation,
  sql: ControlDesk['sql'],
): ControlDesk {
  return {
    sql,
    rules: { ...rules, roles: { ...rules.roles, [operatorRole]: ['EXCEPTIONS'] } },
    objects: pulledObjects({ connections, files }),
  }
}

/**
 * Anyone who can run this command has full access to the database; the audit log records the name
 * nevertheless.
 */
export function operator(name: string) {
  return {
    actor: name,
    roles: new Set([operatorRole]),
    scopes: new Set<string>(),
    correlationId: crypto.randomUUID(),
  }
}
const operatorRole = 'operator of the command line'

/** Returns why a source system, or an object of it, cannot be read, and what can. */
export function notPulled(installation: Installation, source: string): string {
  const objects = pulledObjects(installation)
  const own = objects.get(source)
  if (own) return `${source} has only these objects: ${own.join(', ')}`
  const listed = [...objects.keys()].join(', ') || 'none'
  return installation.connectors.has(source)
    ? `${source} has neither connection: nor files: in config/sources.yaml, so nothing is read from it; those that have one: ${listed}`
    : `no source system "${source}" is configured; those that are read: ${listed}`
}
