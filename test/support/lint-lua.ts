import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackDebianPackages } from './debian-packages.ts'

interface Source {
  /** Relative to the root of the package. */
  readonly file: string
  readonly lines: readonly string[]
}

interface Problem {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** What luacheck reads: a script with its libraries in front, the script last. */
interface Text {
  readonly name: string
  readonly script: Source
  readonly parts: readonly Source[]
  /** The library that was left out, to see whether anything misses it. */
  readonly without?: Source
}

interface Warning extends Problem {
  readonly text: Text
  readonly code: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMPOSER = 'src/redis/scripts.ts'
const SECTIONS = ['Includes', 'KEYS', 'ARGV', 'Returns', 'Complexity']
const UNDEFINED_VARIABLE = 'W113'
const UNUSED_VARIABLE = 'W211'

// LuaJIT needs no library whose package is named differently from one Debian release to the next; plain Lua does.
const PACKAGES = [
  'lua-check',
  'lua-argparse',
  'lua-filesystem',
  'luajit',
  'libluajit-5.1-2',
  'libluajit-5.1-common',
]
const HELP = 'put luacheck 1.1 or newer on the PATH'

function read(file: string): Source {
  return { file, lines: readFileSync(join(ROOT, file), 'utf8').split('\n') }
}

function readAll(folder: string): Source[] {
  const files = readdirSync(join(ROOT, folder)).filter((file) => file.endsWith('.lua'))
  return files.sort().map((file) => read(`${folder}/${file}`))
}

function nameOf({ file }: Source): string {
  return basename(file, '.lua')
}

function problem({ file }: Source, line: number, message: string): Problem {
  return { file, line, message }
}

function headerOf({ lines }: Source): readonly string[] {
  const end = lines.findIndex((line) => !line.startsWith('--'))
  return end === -1 ? lines : lines.slice(0, end)
}

/** The libraries that a script's header names, and on which line. */
function includesOf(script: Source): { readonly line: number; readonly names: readonly string[] } {
  const header = headerOf(script)
  const index = header.findIndex((line) => line.startsWith('-- Includes: '))
  const words = header[index]?.replace('-- Includes: ', '').trim() ?? '(none)'
  return { line: Math.max(index, 0) + 1, names: words === '(none)' ? [] : words.split(/\s+/) }
}

function sectionProblems(script: Source): Problem[] {
  const header = headerOf(script)
  const missing = SECTIONS.filter((section) => !header.some((line) => line.startsWith(`-- ${section}: `)))
  return missing.map((section) => problem(script, 1, `the header has no section ${section}`))
}

function libraryProblems(libraries: readonly Source[], scripts: readonly Source[]): Problem[] {
  const known = libraries.map(nameOf)
  const included = scripts.flatMap((script) => includesOf(script).names)
  return [
    ...libraries
      .filter((library) => headerOf(library).length === 0)
      .map((library) => problem(library, 1, 'does not begin with a comment')),
    ...libraries
      .filter((library) => !included.includes(nameOf(library)))
      .map((library) => problem(library, 1, 'is included by no script')),
    ...scripts.flatMap((script) => {
      const { line, names } = includesOf(script)
      const unknown = names.filter((name) => !known.includes(name))
      return unknown.map((name) => problem(script, line, `includes ${name}, which is no library`))
    }),
  ]
}

interface Composed {
  readonly line: number
  readonly files: readonly string[]
}

/** What the code composes, by the file of the script. */
function composedBy(code: Source): ReadonlyMap<string, Composed> {
  const text = code.lines.join('\n')
  const imported = new Map<string, string>()
  for (const [, name = '', file = ''] of text.matchAll(/^import (\w+) from '[./]*(lua\/.+)\?raw'$/gm)) {
    imported.set(name, file)
  }
  const composed = new Map<string, Composed>()
  for (const { 1: names = '', index } of text.matchAll(/new Script\(([^)]*)\)/g)) {
    const files = names.split(',').flatMap((name) => imported.get(name.trim()) ?? [])
    composed.set(files.at(-1) ?? '', { line: text.slice(0, index).split('\n').length, files })
  }
  return composed
}

/** Whether header and code name the same libraries in the same order. */
function compositionProblems(scripts: readonly Source[], code: Source): Problem[] {
  const composed = composedBy(code)
  return scripts.flatMap((script) => {
    const found = composed.get(script.file)
    if (found === undefined) return problem(script, 1, `is not composed in ${COMPOSER}`)
    const expected = [...includesOf(script).names.map((name) => `lua/lib/${name}.lua`), script.file]
    if (expected.join() === found.files.join()) return []
    const message = `composes ${found.files.join(' ')}, where the header says ${expected.join(' ')}`
    return problem(code, found.line, message)
  })
}

/** The script as it runs, and once more without each of its libraries. */
function textsOf(script: Source, libraries: readonly Source[]): Text[] {
  const { names } = includesOf(script)
  const included = names.flatMap((name) => libraries.find((library) => nameOf(library) === name) ?? [])
  const complete = { name: nameOf(script), script, parts: [...included, script] }
  const lacking = included.map((without) => ({
    name: `${complete.name}-without-${nameOf(without)}`,
    script,
    parts: complete.parts.filter((part) => part !== without),
    without,
  }))
  return [complete, ...lacking]
}

/** The place in the sources of a line of the text. */
function originOf({ name, parts }: Text, line: number): Pick<Problem, 'file' | 'line'> {
  let before = 0
  for (const { file, lines } of parts) {
    if (line <= before + lines.length) return { file, line: line - before }
    before += lines.length
  }
  throw new RangeError(`${name} has no line ${line}`)
}

function runLuacheck(texts: readonly Text[]): Warning[] {
  const folder = mkdtempSync(join(tmpdir(), 'lint-lua-'))
  try {
    for (const { name, parts } of texts) {
      const content = parts.map(({ lines }) => lines.join('\n')).join('\n')
      writeFileSync(join(folder, `${name}.lua`), content)
    }
    const { command, args, env } = findLuacheck()
    const config = ['--config', join(ROOT, '.luacheckrc'), '--no-cache']
    const format = ['--codes', '--formatter', 'plain']
    const run = spawnSync(command, [...args, ...config, ...format, '.'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    })
    // 1 stands for warnings, 2 for syntax errors; with anything above it could not do its work.
    if (run.status === null || run.status > 2) throw new Error(`luacheck: ${run.stdout}${run.stderr}`)
    return run.stdout.split('\n').flatMap((line) => parseWarning(line, texts) ?? [])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function parseWarning(output: string, texts: readonly Text[]): Warning | undefined {
  const match = /^(?:\.\/)?(.+)\.lua:(\d+):\d+: \(([EW]\d+)\) (.*)$/.exec(output)
  const text = texts.find(({ name }) => name === match?.[1])
  if (match === null || text === undefined) return undefined
  const [, , line, code = '', message = ''] = match
  return { text, code, ...originOf(text, Number(line)), message: withOrigins(message, text) }
}

/** A message that speaks of another line means one of the text. */
function withOrigins(message: string, text: Text): string {
  return message.replace(/\bline (\d+)/g, (_, other: string) => {
    const { file, line } = originOf(text, Number(other))
    return `${file}:${line}`
  })
}

interface Luacheck {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** The one on the PATH, else Debian's package unpacked into a cache. */
function findLuacheck(): Luacheck {
  const { status } = spawnSync('luacheck', ['--version'], { stdio: 'ignore' })
  if (status === 0) return { command: 'luacheck', args: [], env: process.env }
  let root: string
  try {
    root = unpackDebianPackages('luacheck', PACKAGES)
  } catch (cause) {
    throw new Error(`no luacheck here, and none to be had by apt-get download; ${HELP}`, { cause })
  }
  const libraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((arch) => join(root, 'usr/lib', arch))
  const modules = ['?.lua', '?/init.lua'].map((file) => join(root, 'usr/share/lua/5.1', file))
  const env = {
    ...process.env,
    LUA_PATH: modules.join(';'),
    LUA_CPATH: libraries.map((folder) => join(folder, 'lua/5.1/?.so')).join(';'),
    LD_LIBRARY_PATH: libraries.join(':'),
  }
  return { command: join(root, 'usr/bin/luajit'), args: [join(root, 'usr/bin/luacheck')], env }
}

/** The warnings about what runs, once each, less those about functions of a library that only some scripts use. */
function codeProblems(texts: readonly Text[], warnings: readonly Warning[]): Problem[] {
  const complete = warnings.filter(({ text }) => text.without === undefined)
  return complete.filter((warning, index) => {
    const same = complete.filter((other) => isSame(other, warning))
    const having = texts.filter(
      ({ without, parts }) => without === undefined && parts.some(({ file }) => file === warning.file),
    )
    const usedElsewhere = warning.code === UNUSED_VARIABLE && same.length < having.length
    return complete.findIndex((other) => isSame(other, warning)) === index && !usedElsewhere
  })
}

function isSame(a: Problem, b: Problem): boolean {
  return a.file === b.file && a.line === b.line && a.message === b.message
}

/** A library is of use to a script when something becomes undefined without it. */
function unusedIncludes(texts: readonly Text[], warnings: readonly Warning[]): Problem[] {
  const undefinedIn = (script: Source, without?: Source): Warning[] =>
    warnings.filter(
      ({ code, text }) => code === UNDEFINED_VARIABLE && text.script === script && text.without === without,
    )
  return texts.flatMap(({ script, without }) => {
    if (without === undefined) return []
    const anyway = undefinedIn(script)
    const isMissed = undefinedIn(script, without).some((one) => !anyway.some((other) => isSame(one, other)))
    return isMissed
      ? []
      : problem(script, includesOf(script).line, `includes ${nameOf(without)} without using it`)
  })
}

/** Every problem of the scripts, as they are composed to run. */
function lint(): Problem[] {
  const scripts = readAll('lua')
  const libraries = readAll('lua/lib')
  const texts = scripts.flatMap((script) => textsOf(script, libraries))
  const warnings = runLuacheck(texts)
  const hasSyntaxErrors = warnings.some(({ code }) => code.startsWith('E'))
  return [
    ...scripts.flatMap(sectionProblems),
    ...libraryProblems(libraries, scripts),
    ...compositionProblems(scripts, read(COMPOSER)),
    ...codeProblems(texts, warnings),
    // Where the syntax is wrong luacheck tells nothing of what is used.
    ...(hasSyntaxErrors ? [] : unusedIncludes(texts, warnings)),
  ]
}

const problems = lint()
for (const { file, line, message } of problems) console.error(`${file}:${line}: ${message}`)
process.exitCode = problems.length === 0 ? 0 : 1
