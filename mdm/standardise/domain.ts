import { parse } from 'tldts'

/**
 * The registrable domain ("shop.acme.co.uk/x" is acme.co.uk) and its name without the suffix
 * ("acme").
 */
export interface Domain {
  domain: string
  label: string
}

const CACHED_DOMAINS_MAX = 100_000
const cache = new Map<string, Domain | null>()

/**
 * Reads a domain, host or URL. Returns null for addresses without a public suffix, IP addresses and
 * public mail or web hosts.
 */
export function parseDomain(folded: string): Domain | null {
  const text = folded.trim().slice(0, 300)
  const known = cache.get(text)
  if (known !== undefined) return known
  if (cache.size >= CACHED_DOMAINS_MAX) cache.clear()
  const found = parse(text)
  const result =
    found.domain && !found.isIp && found.domainWithoutSuffix && !isSharedDomain(found.domain)
      ? { domain: found.domain, label: found.domainWithoutSuffix }
      : null
  cache.set(text, result)
  return result
}

/**
 * Returns whether anybody can have an address or page at this domain; then it is no evidence of its
 * owner.
 */
export function isSharedDomain(domain: string): boolean {
  return (
    SHARED.has(domain) ||
    /^(yahoo|hotmail|live|outlook|gmx|orange|wanadoo|btinternet)\./.test(domain)
  )
}

const SHARED = new Set(
  (
    'gmail.com googlemail.com aol.com icloud.com me.com mac.com msn.com web.de t-online.de freenet.de mail.ru yandex.ru ' +
    'yandex.com qq.com 163.com 126.com sina.com protonmail.com proton.me mail.com zoho.com laposte.net free.fr sfr.fr ' +
    'libero.it virgilio.it tin.it alice.it bluewin.ch hispeed.ch posteo.de posteo.net gmx.net gmx.com ymail.com rocketmail.com ' +
    'comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net shaw.ca rogers.com sky.com ntlworld.com ' +
    'telenet.be skynet.be ziggo.nl kpnmail.nl planet.nl home.nl wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz abv.bg ' +
    'naver.com daum.net hanmail.net rediffmail.com uol.com.br bol.com.br terra.com.br example.com example.org example.net ' +
    'test.com facebook.com linkedin.com twitter.com x.com instagram.com wixsite.com wordpress.com blogspot.com github.io ' +
    'bigpond.com optusnet.com.au xtra.co.nz tutanota.com fastmail.com hey.com'
  ).split(' '),
)
