"""BibTeX of the papers that define metrics of faithfulness, beside those of `harness_metrics.citations`."""

PETSIUK_2018 = """@inproceedings{petsiuk2018rise,
  title = {{RISE}: Randomized Input Sampling for Explanation of Black-box Models},
  author = {Petsiuk, Vitali and Das, Abir and Saenko, Kate},
  booktitle = {British Machine Vision Conference},
  year = {2018},
  eprint = {1806.07421},
  archiveprefix = {arXiv},
}"""

RONG_2022 = """@inproceedings{rong2022road,
  title = {A Consistent and Efficient Evaluation Strategy for Attribution Methods},
  author = {Rong, Yao and Leemann, Tobias and Borisov, Vadim and Kasneci, Gjergji and Kasneci, Enkelejda},
  booktitle = {International Conference on Machine Learning},
  year = {2022},
  eprint = {2202.00449},
  archiveprefix = {arXiv},
}"""

HEDSTROEM_2025 = """@article{hedstrom2025evaluating,
  title = {Evaluating Interpretable Methods via Geometric Alignment of Functional Distortions},
  author = {Hedstr{\\"o}m, Anna and Bommer, Philine Lou and Burns, Thomas F. and Lapuschkin, Sebastian and Samek, Wojciech
    and H{\\"o}hne, Marina M.-C.},
  journal = {Transactions on Machine Learning Research},
  year = {2025},
  url = {https://openreview.net/forum?id=ukLxqA8zXj},
}"""

ALVAREZ_MELIS_2018_SENN = """@inproceedings{alvarezmelis2018selfexplaining,
  title = {Towards Robust Interpretability with Self-Explaining Neural Networks},
  author = {Alvarez-Melis, David and Jaakkola, Tommi S.},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {31},
  year = {2018},
  eprint = {1806.07538},
  archiveprefix = {arXiv},
}"""

ARYA_2019 = """@misc{arya2019one,
  title = {One Explanation Does Not Fit All: A Toolkit and Taxonomy of {AI} Explainability Techniques},
  author = {Arya, Vijay and Bellamy, Rachel K. E. and Chen, Pin-Yu and Dhurandhar, Amit and Hind, Michael and Hoffman, Samuel C. and
    Houde, Stephanie and Liao, Q. Vera and Luss, Ronny and Mojsilovi\\'c, Aleksandra and Mourad, Sami and Pedemonte, Pablo and
    Raghavendra, Ramya and Richards, John and Sattigeri, Prasanna and Shanmugam, Karthikeyan and Singh, Moninder and Varshney, Kush R.
    and Wei, Dennis and Zhang, Yunfeng},
  year = {2019},
  eprint = {1909.03012},
  archiveprefix = {arXiv},
}"""

ANCONA_2018 = """@inproceedings{ancona2018towards,
  title = {Towards better understanding of gradient-based attribution methods for Deep Neural Networks},
  author = {Ancona, Marco and Ceolini, Enea and {\\"O}ztireli, Cengiz and Gross, Markus},
  booktitle = {International Conference on Learning Representations},
  year = {2018},
  eprint = {1711.06104},
  archiveprefix = {arXiv},
}"""

BACH_2015 = """@article{bach2015pixelwise,
  title = {On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation},
  author = {Bach, Sebastian and Binder, Alexander and Montavon, Gr{\\'e}goire and Klauschen, Frederick and M{\\"u}ller, Klaus-Robert
    and Samek, Wojciech},
  journal = {PLOS ONE},
  volume = {10},
  number = {7},
  pages = {e0130140},
  year = {2015},
  doi = {10.1371/journal.pone.0130140},
}"""

SAMEK_2017 = """@article{samek2017evaluating,
  title = {Evaluating the Visualization of What a Deep Neural Network Has Learned},
  author = {Samek, Wojciech and Binder, Alexander and Montavon, Gr{\\'e}goire and Lapuschkin, Sebastian and M{\\"u}ller, Klaus-Robert},
  journal = {IEEE Transactions on Neural Networks and Learning Systems},
  volume = {28},
  number = {11},
  pages = {2660--2673},
  year = {2017},
  doi = {10.1109/TNNLS.2016.2599820},
}"""

RIEGER_2020 = """@misc{rieger2020irof,
  title = {{IROF}: a low resource evaluation metric for explanation methods},
  author = {Rieger, Laura and Hansen, Lars Kai},
  year = {2020},
  eprint = {2003.08747},
  archiveprefix = {arXiv},
}"""

CHATTOPADHAY_2018 = """@inproceedings{chattopadhay2018gradcampp,
  title = {{Grad-CAM++}: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks},
  author = {Chattopadhay, Aditya and Sarkar, Anirban and Howlader, Prantik and Balasubramanian, Vineeth N.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision},
  pages = {839--847},
  year = {2018},
  doi = {10.1109/WACV.2018.00097},
}"""

DABKOWSKI_2017 = """@inproceedings{dabkowski2017realtime,
  title = {Real Time Image Saliency for Black Box Classifiers},
  author = {Dabkowski, Piotr and Gal, Yarin},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {30},
  year = {2017},
  eprint = {1705.07857},
  archiveprefix = {arXiv},
}"""

WU_2024 = """@inproceedings{wu2024faithfulness,
  title = {On the Faithfulness of Vision Transformer Explanations},
  author = {Wu, Junyi and Kang, Weitai and Tang, Hao and Hong, Yuan and Yan, Yan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  pages = {10936--10945},
  year = {2024},
  eprint = {2404.01415},
  archiveprefix = {arXiv},
}"""

HESSE_2023 = """@inproceedings{hesse2023funnybirds,
  title = {{FunnyBirds}: A Synthetic Vision Dataset for a Part-Based Analysis of Explainable {AI} Methods},
  author = {Hesse, Robin and Schaub-Meyer, Simone and Roth, Stefan},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {3981--3991},
  year = {2023},
  eprint = {2308.06248},
  archiveprefix = {arXiv},
}"""

HESSE_2024 = """@inproceedings{hesse2024benchmarking,
  title = {Benchmarking the Attribution Quality of Vision Models},
  author = {Hesse, Robin and Schaub-Meyer, Simone and Roth, Stefan},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {37},
  year = {2024},
  eprint = {2407.11910},
  archiveprefix = {arXiv},
}"""

ZHANG_2024 = """@article{zhang2024opticam,
  title = {{Opti-CAM}: Optimizing saliency maps for interpretability},
  author = {Zhang, Hanwei and Torres, Felipe and Sicre, Ronan and Avrithis, Yannis and Ayache, Stephane},
  journal = {Computer Vision and Image Understanding},
  volume = {248},
  pages = {104101},
  year = {2024},
  eprint = {2301.07002},
  archiveprefix = {arXiv},
}"""

KAPISHNIKOV_2019 = """@inproceedings{kapishnikov2019xrai,
  title = {{XRAI}: Better Attributions Through Regions},
  author = {Kapishnikov, Andrei and Bolukbasi, Tolga and Vi{\'e}gas, Fernanda and Terry, Michael},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  pages = {4947--4956},
  year = {2019},
  eprint = {1906.02825},
  archiveprefix = {arXiv},
}"""

ELISHA_2025 = """@article{elisha2025rethinking,
  title = {Rethinking Saliency Maps: A Cognitive Human Aligned Taxonomy and Evaluation Framework for Explanations},
  author = {Elisha, Yehonatan and Cohen, Seffi and Barkan, Oren and Koenigstein, Noam},
  journal = {arXiv preprint arXiv:2511.13081},
  year = {2025},
  eprint = {2511.13081},
  archiveprefix = {arXiv},
}"""

HOOKER_2019 = """@inproceedings{hooker2019benchmark,
  title = {A Benchmark for Interpretability Methods in Deep Neural Networks},
  author = {Hooker, Sara and Erhan, Dumitru and Kindermans, Pieter-Jan and Kim, Been},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
  eprint = {1806.10758},
  archiveprefix = {arXiv},
}"""
