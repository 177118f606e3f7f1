/** Up to this length the built-in search is quick enough whatever the texts. */
const SHORT = 16

/** Whether a text has a part. O(text + part), also where both repeat themselves (Knuth, Morris, Pratt 1977). */
export function compileContains(part: string): (text: string) => boolean {
  if (part.length <= SHORT) return (text) => text.includes(part)
  const borders = bordersOf(part)
  return (text) => {
    let matched = 0
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      while (matched > 0 && part.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0
      if (part.charCodeAt(matched) === unit) matched += 1
      if (matched === part.length) return true
    }
    return false
  }
}

/** For each beginning of the text the length of the longest shorter one that it ends with. */
function bordersOf(text: string): Uint16Array {
  const borders = new Uint16Array(text.length)
  let length = 0
  for (let i = 1; i < text.length; i++) {
    while (length > 0 && text.charCodeAt(i) !== text.charCodeAt(length)) length = borders[length - 1] ?? 0
    if (text.charCodeAt(i) === text.charCodeAt(length)) length += 1
    borders[i] = length
  }
  return borders
}
