"""The driver's side: which worker does which job, and what becomes of it."""
