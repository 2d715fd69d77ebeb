#pragma once

#include <string>

namespace axonzoo {

/// Where this process stands among its ranks.
struct rank_place {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;       ///< among the ranks of this machine: which GPU to take
  int local_world_size = 1; ///< how many share this machine's cores
  std::string address = "127.0.0.1";
  int port = 29500;
};

/// The place that torchrun (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT) or SLURM (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID, ...)
/// gives in the environment; rank 0 of 1 where neither does. Throws `error` where a variable is not a number or they disagree.
rank_place place_from_environment();

/// Starts `ranks` copies of this program with the same arguments, waits for them, and returns the exit status of all: when one rank
/// fails or is killed, says which and why, and ends the others. `port` 0 takes a free one; throws `error` when it is in use.
int launch_ranks(int ranks, int port, char** argv);

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/parallel/launch_processes.hpp>
#endif
