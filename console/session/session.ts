import { useSyncExternalStore } from 'react'
import { type OpenId, openIdOf, SIGNED_OUT_PATH } from './openId.ts'
import { signInOfPage } from './settings.ts'

/** Names of browser storage. GraphiQL stores the secret of the start under the same name. */
const SECRET = 'touchstone-secret'
const PERSON = 'touchstone-person'

export interface Session {
  /** SIGNED_OUT: the graph refuses what the page would send; the person has to do something. */
  state: 'STARTING' | 'SIGNED_IN' | 'SIGNED_OUT'
  /** Why, in words of the server. Null before a first attempt. */
  why: string | null
}

/** The name and roles of the development caller: tried with several people on one machine. */
export interface Person {
  actor: string
  roles: string
}

const settings = signInOfPage()
const openId: OpenId | null = settings.mode === 'ISSUER' ? openIdOf(settings) : null
let session: Session = { state: 'STARTING', why: null }
/** A token or an API key that was entered; in memory alone. */
let entered: string | null = null
let linked = secretOfAddress()
const listeners = new Set<() => void>()

export const signInMode = settings.mode

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function change(next: Session): void {
  if (next.state === session.state && next.why === session.why) return
  session = next
  for (const listener of listeners) listener()
}

/** Prepares the first request. At an issuer it completes a sign-in, or leaves the page for one. */
export async function startSession(): Promise<void> {
  if (location.pathname === SIGNED_OUT_PATH) {
    history.replaceState(null, '', '/console')
    return change({ state: 'SIGNED_OUT', why: 'You signed out.' })
  }
  try {
    await openId?.start()
    change({ state: 'SIGNED_IN', why: null })
  } catch (e) {
    change({ state: 'SIGNED_OUT', why: textOf(e) })
  }
}

/** Returns the headers of a request, renewing a token that is about to end. */
export async function headersOfCaller(): Promise<Record<string, string>> {
  const bearer = entered ?? (openId ? await openId.token() : (linked ?? read(localStorage, SECRET)))
  const { actor, roles } = personNow()
  return {
    ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
    ...(settings.mode === 'DEVELOPMENT' && actor ? { 'x-touchstone-actor': actor } : {}),
    ...(settings.mode === 'DEVELOPMENT' && roles ? { 'x-touchstone-roles': roles } : {}),
  }
}

/** Notes that the graph accepted the caller: the secret of the link is worth keeping. */
export function accepted(): void {
  if (linked !== null) {
    localStorage.setItem(SECRET, linked)
    linked = null
  }
  change({ state: 'SIGNED_IN', why: null })
}

/** Notes that the graph refused the credentials (401). The screen stays and says so. */
export function rejected(why: string): void {
  if (linked !== null) linked = null
  else if (settings.mode === 'DEVELOPMENT') localStorage.removeItem(SECRET)
  entered = null
  openId?.forget()
  change({ state: 'SIGNED_OUT', why })
}

/** Signs in again: at the issuer, or with what the person entered. The address stays the same. */
export async function signIn(credential?: string): Promise<void> {
  if (openId)
    return await openId.leave().catch((e) => change({ state: 'SIGNED_OUT', why: textOf(e) }))
  entered = credential?.trim() || null
  change({ state: 'SIGNED_IN', why: null })
}

/** Signs out, at the issuer too, and loads a page that holds nothing of the session. */
export async function signOut(): Promise<void> {
  entered = null
  const address = await openId?.signOut().catch(() => null)
  location.assign(address ?? SIGNED_OUT_PATH)
}

export function personNow(): Person {
  return { actor: '', roles: '', ...JSON.parse(read(sessionStorage, PERSON) ?? '{}') }
}

/** Acts as another person from now on. For a server without authentication only. */
export function actAs(person: Person): void {
  sessionStorage.setItem(PERSON, JSON.stringify(person))
  location.reload()
}

function textOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e)
}

function read(from: Storage, name: string): string | null {
  return from.getItem(name)
}

/** Takes the secret of the start out of the address, where `npx touchstone link console` put it. */
function secretOfAddress(): string | null {
  const secret = new URLSearchParams(location.hash.slice(1)).get('secret')
  if (secret === null) return null
  history.replaceState(null, '', location.pathname + location.search)
  return /^tsd_[\w-]+$/.test(secret) ? secret : null
}
