import type { tasks } from './tasks.ts'

/** Which records a task works on: processes with the same space share them. */
export interface Space {
  readonly keyPrefix: string
  readonly partitions?: number
}

type Tasks = typeof tasks

/** What a worker can be asked to do. */
export type TaskName = keyof Tasks
export type TaskInput<N extends TaskName> = Parameters<Tasks[N]>[1]
export type TaskOutput<N extends TaskName> = Awaited<ReturnType<Tasks[N]>>

/** From the test to a worker. `stop` asks the tasks that run until told otherwise to finish. */
export type Request =
  | { readonly kind: 'stop' }
  | {
      readonly kind: 'task'
      readonly call: number
      readonly name: TaskName
      readonly space: Space
      readonly input: unknown
    }

/** From a worker to the test. */
export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly call: number; readonly output: unknown }
  | { readonly kind: 'failed'; readonly call: number; readonly error: string }
