import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The first version that runs TypeScript as it is and has every module that we use; also the one
 * that we measured.
 */
const nodeMajorMin = 24
const parentCheckMs = 250

/**
 * Runs a TypeScript file with these arguments. An older Node (20 or later) cannot read TypeScript:
 * it starts the one of the npm package `node` instead, which shares our terminal and receives our
 * signals; its exit code becomes ours. This file is plain JavaScript, because the older Node has to
 * read it.
 */
export async function launch(entry, args = process.argv.slice(2)) {
  stopWithNpm()
  const file = fileURLToPath(new URL(entry, import.meta.url))
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
    process.argv.splice(1, process.argv.length, file, ...args)
    await import(pathToFileURL(file).href)
    return
  }
  let node
  try {
    node = join(dirname(fileURLToPath(import.meta.resolve('node/package.json'))), 'bin', 'node')
  } catch {
    console.error(
      `Touchstone needs Node ${nodeMajorMin}. "npm ci" installs it with the other packages: run that first.`,
    )
    process.exit(1)
  }
  // The channel closes when we are killed and cannot send a signal any more.
  const child = spawn(node, [file, ...args], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  child.once('error', (e) => {
    console.error(
      `${node} does not start (${e.message}). Run "npm ci" again, with install scripts allowed.`,
    )
    process.exit(1)
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('exit', (code, signal) =>
    process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)),
  )
}

/**
 * npm runs a script in a shell. On SIGTERM it ends the shell, which does not pass the signal on.
 * All that the script notices is that it has another parent.
 */
function stopWithNpm() {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const check = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(check)
    process.kill(process.pid, 'SIGTERM')
  }, parentCheckMs)
  check.unref()
}
