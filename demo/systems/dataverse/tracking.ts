import { Refused } from '../kit/server.ts'
import { badRequest, expiredVersion } from './errors.ts'

const dayMs = 86_400_000
export const trackingDays = 7

/** The state that a reader has: every write up to a version. */
export interface DeltaToken {
  version: number
  time: number
}

const two = (value: number) => String(value).padStart(2, '0')

/** Writes a token as Dataverse does: `919058!08/22/2017 08:21:20`. */
export function writeToken({ version, time }: DeltaToken): string {
  const at = new Date(time)
  const day = [two(at.getUTCMonth() + 1), two(at.getUTCDate()), at.getUTCFullYear()].join('/')
  return `${version}!${day} ${at.toISOString().slice(11, 19)}`
}

/** Reads a token. Throws if it is older than the changes that are tracked. */
export function readToken(text: string, now: number): DeltaToken {
  const match = /^(\d{1,12})!(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/.exec(text)
  const [, version, month, day, year, clock] = match ?? []
  const time = Date.parse(`${year}-${month}-${day}T${clock}Z`)
  if (Number.isNaN(time)) throw badRequest(`The delta token "${text}" is not valid.`)
  if (time < now - trackingDays * dayMs) throw new Refused(expiredVersion())
  return { version: Number(version), time }
}

/** Where the next page begins. */
export interface Cookie {
  page: number
  /** The last row of a list, with the values that it was ordered by. */
  last?: { id: string; record: Record<string, unknown> }
  /** The token that the last page will give out. */
  token?: DeltaToken
  /** The last change: whether it was a delete, and its version. */
  lastChange?: [deleted: number, version: number]
}

export function writeCookie(cookie: Cookie): string {
  const inner = Buffer.from(JSON.stringify(cookie)).toString('base64url')
  const tracking = cookie.token ? 'True' : 'False'
  return `<cookie pagenumber="${cookie.page}" pagingcookie="${inner}" istracking="${tracking}" />`
}

export function readCookie(text: string): Cookie {
  const inner = /^<cookie pagenumber="\d+" pagingcookie="([\w-]+)" istracking="\w+" \/>$/.exec(text)
  try {
    return JSON.parse(Buffer.from(inner?.[1] ?? '', 'base64url').toString()) as Cookie
  } catch {
    throw badRequest('Malformed XML in the paging cookie.')
  }
}
