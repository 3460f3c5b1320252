import { isPlaceholder } from './text.ts'

/**
 * An address split for comparison: `local` without +tag (and without dots at Gmail), `domain` in
 * lower case.
 */
export interface Email {
  local: string
  domain: string
}

const DOTLESS = new Set(['gmail.com', 'googlemail.com'])
const DUMMY_LOCALS = new Set([
  'test',
  'none',
  'noemail',
  'no',
  'na',
  'nomail',
  'noreply',
  'no-reply',
  'unknown',
  'example',
  'a',
  'x',
])
const DUMMY_DOMAINS = new Set([
  'test.com',
  'example.com',
  'example.org',
  'example.net',
  'none.com',
  'test.de',
  'noemail.com',
])

/** RFC 5321 allows no longer address. */
const ADDRESS_CHARS_MAX = 254

/**
 * Reads an email address; null if it has no "@" with text on both sides or is a dummy such as
 * test@test.com.
 */
export function parseEmail(folded: string): Email | null {
  const text = withoutDisplayName(folded.trim())
  const at = text.lastIndexOf('@')
  if (at < 1 || at === text.length - 1 || text.length > ADDRESS_CHARS_MAX || isPlaceholder(text))
    return null
  let local = text.slice(0, at).replace(/\s/g, '')
  const domain = text
    .slice(at + 1)
    .replace(/\s/g, '')
    .replace(/\.+$/, '')
  const plus = local.indexOf('+')
  if (plus > 0) local = local.slice(0, plus)
  if (DOTLESS.has(domain)) local = local.replaceAll('.', '')
  if (DUMMY_DOMAINS.has(domain) || (DUMMY_LOCALS.has(local) && local !== 'a' && local !== 'x'))
    return null
  return { local, domain: domain === 'googlemail.com' ? 'gmail.com' : domain }
}

/**
 * Returns the address of "mailto:a@b.example" and "Name <a@b.example>". Without a regular
 * expression: one that tries every "<" takes quadratic time on a text of many.
 */
function withoutDisplayName(text: string): string {
  const bare = text.startsWith('mailto:') ? text.slice('mailto:'.length) : text
  const open = bare.lastIndexOf('<')
  if (open < 0 || !bare.endsWith('>')) return bare
  const address = bare.slice(open + 1, -1)
  return address === '' || address.includes('>') ? bare : address
}

/**
 * Returns whether the local part names a function rather than a person: info@ is no evidence beyond
 * its domain.
 */
export function isRoleLocal(local: string): boolean {
  return ROLE_LOCALS.has(local)
}

/**
 * Functions that have a mailbox: those of RFC 2142 and of an office, a line for each, in English,
 * German, French, Spanish, Italian, Portuguese, Dutch and Polish.
 */
const ROLE_LOCALS = new Set(
  `
info infos information informacion informazioni informacje contact contacts kontakt contacto contato contatti enquiries inquiries hello hallo hola mail email post
office buero buro bureau oficina ufficio biuro kantoor escritorio
sales verkauf vertrieb ventes commercial ventas vendite commerciale vendas comercial verkoop sprzedaz handlowy marketing
support service help helpdesk kundenservice kundendienst soporte supporto assistenza suporte pomoc
reception empfang accueil recepcion reception recepcao receptie recepcja frontdesk
secretary secretariat sekretariat secretaria segreteria secretariaat
admin administration verwaltung administracion amministrazione administracao administratie administracja direction direccion direzione dyrekcja
billing accounting accounts accountspayable ap ar invoice invoices rechnung rechnungen buchhaltung finance compta comptabilite facturation contabilidad facturacion contabilita fatturazione faturacao boekhouding facturen ksiegowosc faktury
orders order bestellung bestellungen einkauf commande commandes achats pedidos compras ordini acquisti encomendas bestellingen inkoop zamowienia zakupy purchasing
shop store laden boutique magasin tienda negozio loja winkel sklep
hr jobs career careers personal bewerbung recrutement empleo lavoro praca team
abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp
`.match(/\S+/g),
)
