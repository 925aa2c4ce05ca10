/** How a file is called in the statistics and which tag its fence gets. */
export interface Language {
  name: string
  /** What forges and editors highlight by; never empty. */
  tag: string
  /** Its place among {@link LANGUAGES}. */
  place: number
}

/** Of files whose name says nothing. */
export const OTHER: Language = { name: 'Other', tag: 'text', place: 0 }

/** What stands for links and folders: their text is none of a language, whatever it looks like. */
export const NO_LANGUAGE: Language = { ...OTHER }

// name | tag | extensions and whole file names (those with a capital letter, or after a colon), after GitHub's linguist
const TABLE = `
Assembly|asm|asm nasm s S
AsciiDoc|asciidoc|adoc asciidoc
Astro|astro|astro
Batch|bat|bat cmd
C|c|c h
C#|cs|cs csx
C++|cpp|cc cpp cxx c++ hh hpp hxx ipp inl
CMake|cmake|cmake CMakeLists.txt
CSS|css|css
CSV|csv|csv tsv
Clojure|clojure|clj cljs cljc edn
CoffeeScript|coffee|coffee
Crystal|crystal|cr
CUDA|cuda|cu cuh
D|d|d di
Dart|dart|dart
Device Tree|dts|dts dtsi dtso
Diff|diff|diff patch
Dockerfile|dockerfile|dockerfile Dockerfile Containerfile
Elixir|elixir|ex exs heex
Elm|elm|elm
Erlang|erlang|erl hrl
F#|fsharp|fs fsi fsx
Fish|fish|fish
Font|text|woff woff2 ttf otf eot
Fortran|fortran|f f90 f95 f03 for
GLSL|glsl|glsl vert frag
Git Config|ini|:.gitattributes :.gitmodules :.gitconfig
Go|go|go
Go Module|go|:go.mod :go.sum :go.work
GraphQL|graphql|graphql gql
Groovy|groovy|groovy gradle Jenkinsfile
HCL|hcl|tf tfvars hcl
HTML|html|html htm xhtml
Handlebars|handlebars|hbs handlebars
Haskell|haskell|hs lhs
INI|ini|ini cfg conf properties :.editorconfig :.npmrc
Ignore List|gitignore|:.gitignore :.dockerignore :.npmignore :.prettierignore :.eslintignore :.arcignore
Image|text|png jpg jpeg gif webp avif ico bmp tiff
JSON|json|json webmanifest geojson :.babelrc :.prettierrc :.eslintrc :composer.lock :Pipfile.lock
JSON5|json5|json5
JSON Lines|json|jsonl ndjson
JSON with Comments|jsonc|jsonc code-workspace
JavaScript|js|js mjs cjs
JSX|jsx|jsx
Java|java|java
Julia|julia|jl
Jupyter Notebook|json|ipynb
Kconfig|text|Kconfig
Kotlin|kotlin|kt kts
LaTeX|latex|tex sty cls bib
Less|less|less
Liquid|liquid|liquid
Lua|lua|lua
Makefile|makefile|mk mak Makefile makefile GNUmakefile Kbuild
Markdown|markdown|md markdown mdown
MDX|mdx|mdx
Meson|meson|:meson.build :meson_options.txt
Nim|nim|nim nims
Nix|nix|nix
OCaml|ocaml|ml mli
Objective-C|objectivec|m mm
PHP|php|php phtml
Perl|perl|pl pm t
PowerShell|powershell|ps1 psm1 psd1
Prisma|prisma|prisma
Protocol Buffers|protobuf|proto
Pug|pug|pug jade
Python|python|py pyi pyw
R|r|r R Rmd
Raku|raku|raku rakumod
Ruby|ruby|rb rake gemspec ru Gemfile Rakefile
Rust|rust|rs
SCSS|scss|scss
SQL|sql|sql
SVG|svg|svg
Sass|sass|sass
Scala|scala|scala sc sbt
Scheme|scheme|scm ss
Shell|sh|sh bash zsh ksh :.bashrc :.zshrc :.profile
Solidity|solidity|sol
Starlark|python|bzl BUILD WORKSPACE :BUILD.bazel
Stylus|stylus|styl
Svelte|svelte|svelte
Swift|swift|swift
SystemVerilog|systemverilog|sv svh
TOML|toml|toml :Cargo.lock :poetry.lock :uv.lock
Tcl|tcl|tcl
Text|text|txt text rst-txt LICENSE COPYING README NOTICE AUTHORS CHANGELOG MAINTAINERS CODEOWNERS
Thrift|thrift|thrift
TypeScript|ts|ts mts cts
TSX|tsx|tsx
VHDL|vhdl|vhd vhdl
Verilog|verilog|v
Vim Script|vim|vim :.vimrc
Visual Basic|vb|vb vbs
Vue|vue|vue
WebAssembly|wasm|wat wast
XML|xml|xml xsd xsl xslt plist csproj vcxproj props targets xaml
YAML|yaml|yml yaml :.clang-format :.clang-tidy :.yarnrc.yml :pnpm-lock.yaml
Zig|zig|zig zon
reStructuredText|rst|rst
Yacc|yacc|y yy
Lex|lex|l ll
Linker Script|ld|ld lds
Awk|awk|awk
`

const byExtension = new Map<string, Language>()
const byName = new Map<string, Language>()

/** All there are; a cache remembers them by their places. */
export const LANGUAGES: readonly Language[] = [OTHER, ...TABLE.trim().split('\n').map(readRow)]

function readRow(row: string, index: number): Language {
  const [name = '', tag = '', keys = ''] = row.split('|')
  const language: Language = { name, tag, place: index + 1 }
  for (const key of keys.split(' ')) {
    if (key.startsWith(':')) byName.set(key.slice(1), language)
    else if (/^[A-Z]/.test(key) && key.length > 1) byName.set(key, language)
    else byExtension.set(key, language)
  }
  return language
}

/** The language of a file by its name alone; `Other` when the name says nothing. */
export function languageOf(path: string): Language {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const known = byName.get(name)
  if (known !== undefined) return known
  const dot = name.lastIndexOf('.')
  if (dot < 0) return OTHER
  const extension = name.slice(dot + 1)
  return byExtension.get(extension) ?? byExtension.get(extension.toLowerCase()) ?? OTHER
}

const INTERPRETERS: ReadonlyMap<string, string> = new Map([
  ['sh', 'sh'],
  ['ash', 'sh'],
  ['bash', 'sh'],
  ['dash', 'sh'],
  ['ksh', 'sh'],
  ['zsh', 'sh'],
  ['fish', 'fish'],
  ['pwsh', 'ps1'],
  ['python', 'py'],
  ['node', 'js'],
  ['nodejs', 'js'],
  ['bun', 'ts'],
  ['deno', 'ts'],
  ['tsx', 'ts'],
  ['ruby', 'rb'],
  ['perl', 'pl'],
  ['php', 'php'],
  ['awk', 'awk'],
  ['gawk', 'awk'],
  ['lua', 'lua'],
  ['make', 'mk'],
  ['groovy', 'groovy'],
  ['julia', 'jl'],
  ['Rscript', 'r'],
  ['expect', 'tcl'],
  ['tclsh', 'tcl'],
  ['wish', 'tcl'],
])

const SCRIPT_LINE_BYTES = 128

/** The language of a text of which `start` is the beginning, or more: the one of its name, else the one its `#!` line names. */
export function languageOfText(byItsName: Language, start: Buffer): Language {
  if (byItsName !== OTHER || start[0] !== 0x23 || start[1] !== 0x21) return byItsName
  const [firstLine = ''] = start.toString('latin1', 0, SCRIPT_LINE_BYTES).split('\n', 1)
  return languageOfScript(firstLine)
}

/** The language that a `#!` line names, or `Other`. */
export function languageOfScript(firstLine: string): Language {
  const match = /^#!\s*(?:\S*\/)?([^/\s]+)(?:\s+(?:-S\s+)?(\S+))?/.exec(firstLine)
  if (match === null) return OTHER
  const interpreter = (match[1] === 'env' ? match[2] : match[1]) ?? ''
  const extension = INTERPRETERS.get(interpreter.replace(/(?<=\D)[\d.]+$/, '')) // python3.11
  return (extension === undefined ? undefined : byExtension.get(extension)) ?? OTHER
}
