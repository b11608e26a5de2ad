"""Operations on arrays become C, which is compiled for this machine. Read `emit.py` first."""

FLAGS = (
    # Loops four numbers wide, not eight: gcc 12.2 compiles some eight wide ones wrongly.
    "-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-march=native",
    "-mprefer-vector-width=256",
    # IEEE rules for all results, nan and inf too, whatever CC says before; a * b + c is rounded
    # twice, as in NumPy.
    "-fno-fast-math", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    # A `#pragma omp simd` alone lets a sum be reordered. Each group stays a function.
    "-fopenmp-simd", "-fno-inline-functions-called-once",
    # These passes take a third of the time to compile, and these loops gain nothing from them.
    # But they need -ftree-bit-ccp, which finds that a loop has no rest, and the passes over calls.
    "-fno-gcse", "-fno-tree-pre", "-fno-schedule-insns2", "-fno-thread-jumps",
    "-fno-tree-dominator-opts", "-fno-tree-vrp", "-fno-tree-slp-vectorize",
    "-fno-crossjumping", "-fno-code-hoisting", "-fno-tree-tail-merge", "-fno-optimize-strlen",
    "-fno-store-merging", "-fno-tree-switch-conversion", "-fno-partial-inlining",
    "-fno-cse-follow-jumps", "-fno-rerun-cse-after-loop", "-fno-peephole2", "-fno-caller-saves",
    # The loop of a tile is as fast in each program, wherever it lies.
    "-falign-loops=64",
)
