"""How the intermediate representation changes: one list of passes (`pipeline.py`), one file a pass, in the folder of
the level that it works on. Beside them, by what they are for:

* conversions between levels: `cnn_to_tile`, `tile_to_loop`, `loop_to_snowflake`, with `tile_steps/`, `loop_builder`,
  `traces`, `load_units`;
* what a layer is to a planner: `problems`, `layouts`, `reshape`, `host`;
* plans, of tiles that fit: `candidates`, `conv_tiling`, `words_tiling`, `maps_tiling`, `row_tiles`; and of whole
  networks: `interleave_concats`, `store_apart`, `merge_siblings`, `split_kernels`,
  `memory`;
* what a plan costs: `costs` (first estimate), `issue` and `timing` (step by step), `bounds` (no plan takes less);
* running all of it: `compiler`, `driver`, `context`, `legality`, on several processes (`processes`, `workers`,
  `serialize`), with programs kept (`program_cache`);
* answers to users: `check`, `accuracy`, `explain`, `certificates`.
"""
