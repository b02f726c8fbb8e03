// Workers: a barrier, and the loop of a thread that waits for steps.
//
// Whoever waits spins for some microseconds, because the next step or kernel usually comes at once, and then sleeps
// in the kernel, so that an idle pool uses no processor time.
#ifndef CINCH_CTINYCC_WORKERS_H
#define CINCH_CTINYCC_WORKERS_H

#include <linux/futex.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "processor.h"

// All workers must arrive before any may go on. The phase counts how often that has happened: a worker waits for it
// to change, so a fast worker that is already back at the barrier is never mixed up with a slow one.
//
// Each word that changes stands in a cache line of its own (Swift does not import types with `_Alignas(64)`).
struct cinch_barrier {
  uint32_t workers, spin_ticks;
  char line1[56];
  uint32_t arrived;
  char line2[60];
  uint32_t phase;
  char line3[60];
  uint32_t sleepers;
  char line4[60];
};

// Has the C convention and the type of the step's barrier argument.
static void cinch_barrier_wait(void *context) {
  struct cinch_barrier *b = (struct cinch_barrier *)context;
  if (b->workers == 1) return;
  uint32_t phase = __atomic_load_n(&b->phase, __ATOMIC_ACQUIRE);
  uint32_t arrived = __atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL);
  if (arrived == __atomic_load_n(&b->workers, __ATOMIC_RELAXED)) {
    __atomic_store_n(&b->arrived, 0, __ATOMIC_RELAXED);
    // Sequentially consistent, like the sleeper's count: either we see the sleeper, or it sees the new phase.
    __atomic_store_n(&b->phase, phase + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&b->sleepers, __ATOMIC_SEQ_CST) != 0)
      syscall(SYS_futex, &b->phase, FUTEX_WAKE_PRIVATE, INT32_MAX, 0, 0, 0);
    return;
  }
  // By the clock, for a pause takes some 10 to 140 cycles; counted too, where there is no clock. After a while it lets
  // others run: the worker that is waited for may stand in line for this very processor.
  uint64_t start = b->spin_ticks ? cinch_ticks() : 0;
  for (uint32_t i = 0; b->spin_ticks != 0 && i < 10000; i++) {
    if (__atomic_load_n(&b->phase, __ATOMIC_ACQUIRE) != phase) return;
    uint64_t waited = cinch_ticks() - start;
    if (waited >= b->spin_ticks) break;
    if (waited >= b->spin_ticks / 16)
      syscall(SYS_sched_yield);
    else
      cinch_pause();
  }
  __atomic_add_fetch(&b->sleepers, 1, __ATOMIC_SEQ_CST);
  // The kernel compares the phase once more before it lets us sleep, and may wake us for no reason.
  while (__atomic_load_n(&b->phase, __ATOMIC_SEQ_CST) == phase)
    syscall(SYS_futex, &b->phase, FUTEX_WAIT_PRIVATE, phase, 0, 0, 0);
  __atomic_sub_fetch(&b->sleepers, 1, __ATOMIC_SEQ_CST);
}

// A compiled step; the same on every worker.
typedef int (*cinch_step)(unsigned char *state, unsigned char *scratch, unsigned char *const *inputs, long worker,
                          long workers, void (*barrier)(void *), void *context);

struct cinch_job {
  cinch_step step;
  unsigned char *state, *scratch;
  unsigned char *const *inputs;
};

// What the workers of a pool share. The job is written by worker 0 before it arrives at `gate`, and read by the
// others after they have left it.
struct cinch_crew {
  struct cinch_barrier gate;   // passed before and after each step
  struct cinch_barrier inner;  // the step's own
  struct cinch_job job;
  int stopping;
  int code;  // the smallest code other than 0 that a worker returned
};

struct cinch_worker {
  struct cinch_crew *crew;
  long index;
  long thread;  // the system's number for it, once it has started
};

// Runs the job as one worker, in IEEE arithmetic whatever mode the caller's thread is in.
static inline void cinch_run_worker(struct cinch_crew *crew, long index) {
  const struct cinch_job *job = &crew->job;
  uint32_t mode = cinch_get_mxcsr();
  cinch_set_mxcsr(cinch_default_mxcsr);
  int code = job->step(job->state, job->scratch, job->inputs, index, crew->inner.workers, cinch_barrier_wait,
                       &crew->inner);
  cinch_set_mxcsr(mode);
  int seen = __atomic_load_n(&crew->code, __ATOMIC_RELAXED);
  while (code != 0 && (seen == 0 || code < seen) &&
         !__atomic_compare_exchange_n(&crew->code, &seen, code, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

// Runs one job on all workers, the caller being worker 0; returns when all are done.
static inline int cinch_run_crew(struct cinch_crew *crew, struct cinch_job job) {
  crew->job = job;
  crew->code = 0;
  cinch_barrier_wait(&crew->gate);
  cinch_run_worker(crew, 0);
  cinch_barrier_wait(&crew->gate);
  return crew->code;
}

// Lets the threads return; their owner joins them afterwards. `started` tells how many there are, the caller
// included: fewer than planned where the system refused to start more.
static inline void cinch_stop_crew(struct cinch_crew *crew, uint32_t started) {
  crew->stopping = 1;
  __atomic_store_n(&crew->gate.workers, started, __ATOMIC_RELAXED);
  cinch_barrier_wait(&crew->gate);
}

// What each further thread does; has the type that pthread_create wants.
static void *cinch_worker_main(void *argument) {
  struct cinch_worker *worker = (struct cinch_worker *)argument;
  worker->thread = syscall(SYS_gettid);
  prctl(PR_SET_NAME, "cinch-worker");
  for (;;) {
    cinch_barrier_wait(&worker->crew->gate);
    if (worker->crew->stopping) return 0;
    cinch_run_worker(worker->crew, worker->index);
    cinch_barrier_wait(&worker->crew->gate);
  }
}

#endif
