"""Sources: the data sets that these stand in for, and what tells their classes apart."""

KERMANY_2018 = """@article{kermany2018identifying,
  title = {Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning},
  author = {Kermany, Daniel S. and Goldbaum, Michael and Cai, Wenjia and Valentim, Carolina C. S. and Liang, Huiying and others},
  journal = {Cell},
  volume = {172},
  number = {5},
  pages = {1122--1131.e9},
  year = {2018},
  doi = {10.1016/j.cell.2018.02.010}
}"""
TSCHANDL_2018 = """@article{tschandl2018ham10000,
  title = {The {HAM10000} dataset, a large collection of multi-source dermatoscopic images of common pigmented skin lesions},
  author = {Tschandl, Philipp and Rosendahl, Cliff and Kittler, Harald},
  journal = {Scientific Data},
  volume = {5},
  pages = {180161},
  year = {2018},
  doi = {10.1038/sdata.2018.161}
}"""
