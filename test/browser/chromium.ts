import { existsSync } from 'node:fs'

/**
 * The browser of `npm run test:browser`: a Chromium at CHROMIUM_PATH or in a usual place. Without one
 * these tests are skipped, and say so.
 */
export const chromiumPath = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path))
export const skip = chromiumPath ? false : 'no Chromium here: install one, or set CHROMIUM_PATH'

export const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
