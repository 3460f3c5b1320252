import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The first Node that runs TypeScript as it is, resolves what we use, and is the one we measured. */
const nodeMajorMin = 24
const watchMs = 250

/**
 * Runs a TypeScript entry point on a Node that can. The machine's own may be older (20 is enough to get here): then the
 * one of the npm package `node` is started, with our terminal, signals and exit code.
 * Plain JavaScript, because this file is what the old Node reads.
 */
export async function launch(entry) {
  stopWithNpm()
  const file = fileURLToPath(new URL(entry, import.meta.url))
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
    process.argv[1] = file
    await import(pathToFileURL(file).href)
    return
  }
  let node
  try {
    node = join(dirname(fileURLToPath(import.meta.resolve('node/package.json'))), 'bin', 'node')
  } catch {
    console.error(`Touchstone needs Node ${nodeMajorMin}; "npm ci" brings it along. Run it first.`)
    process.exit(1)
  }
  // The channel tells the child when we are killed without a chance to say so.
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  child.once('error', (e) => {
    console.error(`${node} does not start (${e.message}); run "npm ci" again, with install scripts allowed.`)
    process.exit(1)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)))
}

/**
 * npm runs a script through a shell, and on SIGTERM ends the shell, which tells nobody. That its parent has changed is
 * all that the script sees of it.
 */
function stopWithNpm() {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, watchMs)
  watch.unref()
}
