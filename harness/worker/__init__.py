"""Work on a device, one job after the other.

A job goes through these modules, in this order: `main` (a process) or `inline` takes it; `job_runner` is its way from top to bottom;
`job_inputs` reads its rows and predicts their classes (`samples`, `stored_inputs`, `prefetching`);
`job_context` is what every later step is given;
`job_explaining` explains the rows (`bound_components` calls the explainer in batches, `stored_maps` has what is in the store);
`job_scoring` scores them with one metric; `job_report` and `result_writer` commit what came, and tell of it.

What jobs use again is in `component_cache` and `model_cache`, made by `component_factory`. `mutation_guard` holds
components to leaving things as they were (models by `model_state` and `tensor_checksums`, the process by `shared_state`), `contracts` what
they return to its form; `pass_counter`, `timing` and `cost_measurement`
say what it took. `inspection` answers what planning asks.
"""
