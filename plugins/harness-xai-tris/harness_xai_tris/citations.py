"""Sources of the data and of what is known of suppressors."""

CLARK_2024 = """@article{clark2024xaitris,
  title = {{XAI-TRIS}: non-linear image benchmarks to quantify false positive post-hoc attribution of feature importance},
  author = {Clark, Benedict and Wilming, Rick and Haufe, Stefan},
  journal = {Machine Learning},
  volume = {113},
  number = {9},
  pages = {6871--6910},
  year = {2024},
  doi = {10.1007/s10994-024-06574-3}
}"""
HAUFE_2014 = """@article{haufe2014interpretation,
  title = {On the interpretation of weight vectors of linear models in multivariate neuroimaging},
  author = {Haufe, Stefan and Meinecke, Frank and G{\\"o}rgen, Kai and D{\\"a}hne, Sven and Haynes, John-Dylan and Blankertz, Benjamin
            and Bie{\\ss}mann, Felix},
  journal = {NeuroImage},
  volume = {87},
  pages = {96--110},
  year = {2014},
  doi = {10.1016/j.neuroimage.2013.10.067}
}"""
