export { describeRegistryContract } from './testing/contract/describe-registry-contract.js'
export type { ContractDriver, ContractHarness, TestRunner } from './testing/contract/driver.js'
export { ManualClock } from './testing/manual-clock.js'
