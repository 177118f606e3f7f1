/** The unit of the sum: the least number above 0 is 2 to this power, and every number is a multiple of it. */
const UNIT_EXPONENT = -1074
const MANTISSA_BITS = 53
/** More bits than a number has: what a division leaves below them only matters as a whole. */
const SPARE_BITS = 64

const bytes = new DataView(new ArrayBuffer(8))

/** A sum without rounding: it does not depend on the order of its terms, and is rounded once, when asked for. */
export class ExactSum {
  #integers = 0n
  #fractions = 0n

  add(value: number): void {
    if (Number.isSafeInteger(value)) this.#integers += BigInt(value)
    else this.#fractions += inUnits(value)
  }

  get value(): number {
    return toNumber(this.#units(), UNIT_EXPONENT)
  }

  /** The sum divided by a count above 0. */
  mean(count: number): number {
    const divisor = BigInt(count)
    const scaled = this.#units() << BigInt(SPARE_BITS)
    const quotient = scaled / divisor
    // A remainder only decides what would else be halfway between two numbers.
    const sticky = scaled % divisor === 0n ? 0n : scaled < 0n ? -1n : 1n
    return toNumber(quotient * 2n + sticky, UNIT_EXPONENT - SPARE_BITS - 1)
  }

  #units(): bigint {
    return (this.#integers << BigInt(-UNIT_EXPONENT)) + this.#fractions
  }
}

/** A number as a multiple of the unit: its bits say so directly (IEEE 754). */
function inUnits(value: number): bigint {
  bytes.setFloat64(0, value)
  const bits = bytes.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const mantissa = bits & 0xfffffffffffffn
  const units = exponent === 0 ? mantissa : (mantissa | 0x10000000000000n) << BigInt(exponent - 1)
  return value < 0 ? -units : units
}

/** `integer` times 2 to the `exponent`, rounded once: to the nearest number, halfway to the even one. */
function toNumber(integer: bigint, exponent: number): number {
  const size = integer < 0n ? -integer : integer
  // No number has more bits, and none has bits below the unit.
  const lowest = Math.max(exponent + bitLength(size) - MANTISSA_BITS, UNIT_EXPONENT)
  const number = Number(withoutLast(size, lowest - exponent)) * 2 ** lowest
  return integer < 0n ? -number : number
}

function withoutLast(size: bigint, bits: number): bigint {
  if (bits <= 0) return size << BigInt(-bits)
  const kept = size >> BigInt(bits)
  const half = 1n << BigInt(bits - 1)
  const rest = size - (kept << BigInt(bits))
  return rest > half || (rest === half && kept % 2n === 1n) ? kept + 1n : kept
}

function bitLength(size: bigint): number {
  const hex = size.toString(16)
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex.charAt(0), 16)) - 28)
}
