export { describeRegistryContract } from './testing/contract/describe-registry-contract.js'
export type { ContractDriver, ContractHarness, TestRunner } from './testing/contract/driver.js'
export { type Fault, type FaultPlan, FaultProxy } from './testing/fault-proxy.js'
export { ManualClock } from './testing/manual-clock.js'
