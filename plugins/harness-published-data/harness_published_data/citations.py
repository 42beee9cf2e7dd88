"""BibTeX of the data sets."""

from __future__ import annotations

NICKPARVAR_2021 = """@misc{nickparvar2021brain,
  title = {Brain Tumor {MRI} Dataset},
  author = {Nickparvar, Msoud},
  howpublished = {Kaggle},
  year = {2021},
  doi = {10.34740/KAGGLE/DSV/2645886}
}"""

CHENG_2015 = """@article{cheng2015enhanced,
  title = {Enhanced Performance of Brain Tumor Classification via Tumor Region Augmentation and Partition},
  author = {Cheng, Jun and Huang, Wei and Cao, Shuangliang and Yang, Ru and Yang, Wei and Yun, Zhaoqiang
    and Wang, Zhijian and Feng, Qianjin},
  journal = {PLOS ONE},
  volume = {10},
  number = {10},
  pages = {e0140381},
  year = {2015},
  doi = {10.1371/journal.pone.0140381}
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

WANG_2017 = """@inproceedings{wang2017chestxray8,
  title = {{ChestX-ray8}: Hospital-Scale Chest {X}-Ray Database and Benchmarks on Weakly-Supervised Classification and Localization of
    Common Thorax Diseases},
  author = {Wang, Xiaosong and Peng, Yifan and Lu, Le and Lu, Zhiyong and Bagheri, Mohammadhadi and Summers, Ronald M.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages = {3462--3471},
  year = {2017},
  doi = {10.1109/CVPR.2017.369}
}"""

RUSSAKOVSKY_2015 = """@article{russakovsky2015imagenet,
  title = {{ImageNet} Large Scale Visual Recognition Challenge},
  author = {Russakovsky, Olga and Deng, Jia and Su, Hao and Krause, Jonathan and Satheesh, Sanjeev and Ma, Sean and Huang, Zhiheng
    and Karpathy, Andrej and Khosla, Aditya and Bernstein, Michael and Berg, Alexander C. and Fei-Fei, Li},
  journal = {International Journal of Computer Vision},
  volume = {115},
  number = {3},
  pages = {211--252},
  year = {2015},
  doi = {10.1007/s11263-015-0816-y}
}"""

EVERINGHAM_2010 = """@article{everingham2010pascal,
  title = {The {PASCAL} Visual Object Classes ({VOC}) Challenge},
  author = {Everingham, Mark and Van Gool, Luc and Williams, Christopher K. I. and Winn, John and Zisserman, Andrew},
  journal = {International Journal of Computer Vision},
  volume = {88},
  number = {2},
  pages = {303--338},
  year = {2010},
  doi = {10.1007/s11263-009-0275-4}
}"""

ARRAS_2022 = """@article{arras2022clevrxai,
  title = {{CLEVR-XAI}: A benchmark dataset for the ground truth evaluation of neural network explanations},
  author = {Arras, Leila and Osman, Ahmed and Samek, Wojciech},
  journal = {Information Fusion},
  volume = {81},
  pages = {14--40},
  year = {2022},
  doi = {10.1016/j.inffus.2021.11.008}
}"""

HESSE_2023 = """@inproceedings{hesse2023funnybirds,
  title = {{FunnyBirds}: A Synthetic Vision Dataset for a Part-Based Analysis of Explainable {AI} Methods},
  author = {Hesse, Robin and Schaub-Meyer, Simone and Roth, Stefan},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {3981--3991},
  year = {2023},
  eprint = {2308.06248},
  archiveprefix = {arXiv}
}"""

WAH_2011 = """@techreport{wah2011caltech,
  title = {The {Caltech-UCSD} Birds-200-2011 Dataset},
  author = {Wah, Catherine and Branson, Steve and Welinder, Peter and Perona, Pietro and Belongie, Serge},
  institution = {California Institute of Technology},
  number = {CNS-TR-2011-001},
  year = {2011}
}"""
