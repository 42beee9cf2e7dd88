"""BibTeX of the papers."""

from __future__ import annotations

GRAD_CAM = """@inproceedings{selvaraju2017gradcam,
  title = {Grad-{CAM}: Visual Explanations from Deep Networks via Gradient-based Localization},
  author = {Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and Vedantam, Ramakrishna and Parikh, Devi and Batra, Dhruv},
  booktitle = {IEEE International Conference on Computer Vision (ICCV)},
  pages = {618--626},
  year = {2017},
  doi = {10.1109/ICCV.2017.74}
}"""

GRAD_CAM_PLUS_PLUS = """@inproceedings{chattopadhay2018gradcampp,
  title = {Grad-{CAM}++: Generalized Gradient-Based Visual Explanations for Deep Convolutional Networks},
  author = {Chattopadhay, Aditya and Sarkar, Anirban and Howlader, Prantik and Balasubramanian, Vineeth N.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision (WACV)},
  pages = {839--847},
  year = {2018},
  doi = {10.1109/WACV.2018.00097}
}"""

XGRAD_CAM = """@inproceedings{fu2020xgradcam,
  title = {Axiom-based {Grad-CAM}: Towards Accurate Visualization and Explanation of {CNN}s},
  author = {Fu, Ruigang and Hu, Qingyong and Dong, Xiaohu and Guo, Yulan and Gao, Yinghui and Li, Biao},
  booktitle = {British Machine Vision Conference (BMVC)},
  year = {2020},
  eprint = {2008.02312},
  archivePrefix = {arXiv}
}"""

LAYER_CAM = """@article{jiang2021layercam,
  title = {{LayerCAM}: Exploring Hierarchical Class Activation Maps for Localization},
  author = {Jiang, Peng-Tao and Zhang, Chang-Bin and Hou, Qibin and Cheng, Ming-Ming and Wei, Yunchao},
  journal = {IEEE Transactions on Image Processing},
  volume = {30},
  pages = {5875--5888},
  year = {2021},
  doi = {10.1109/TIP.2021.3089943}
}"""

CAM = """@inproceedings{zhou2016cam,
  title = {Learning Deep Features for Discriminative Localization},
  author = {Zhou, Bolei and Khosla, Aditya and Lapedriza, Agata and Oliva, Aude and Torralba, Antonio},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {2921--2929},
  year = {2016},
  doi = {10.1109/CVPR.2016.319}
}"""

HIRES_CAM = """@article{draelos2020hirescam,
  title = {Use {HiResCAM} instead of {Grad-CAM} for faithful explanations of convolutional neural networks},
  author = {Draelos, Rachel Lea and Carin, Lawrence},
  journal = {arXiv preprint},
  year = {2020},
  eprint = {2011.08891},
  archivePrefix = {arXiv}
}"""

EIGEN_CAM = """@inproceedings{muhammad2020eigencam,
  title = {Eigen-{CAM}: Class Activation Map using Principal Components},
  author = {Muhammad, Mohammed Bany and Yeasin, Mohammed},
  booktitle = {International Joint Conference on Neural Networks (IJCNN)},
  pages = {1--7},
  year = {2020},
  doi = {10.1109/IJCNN48605.2020.9206626}
}"""

EIGEN_GRAD_CAM = """@misc{gildenblat2021gradcam,
  title = {{PyTorch} library for {CAM} methods},
  author = {Gildenblat, Jacob and contributors},
  year = {2021},
  howpublished = {https://github.com/jacobgil/pytorch-grad-cam}
}"""

ABLATION_CAM = """@inproceedings{desai2020ablationcam,
  title = {Ablation-{CAM}: Visual Explanations for Deep Convolutional Network via Gradient-free Localization},
  author = {Desai, Saurabh and Ramaswamy, Harish G.},
  booktitle = {IEEE Winter Conference on Applications of Computer Vision (WACV)},
  pages = {972--980},
  year = {2020},
  doi = {10.1109/WACV45572.2020.9093360}
}"""

SCORE_CAM = """@inproceedings{wang2020scorecam,
  title = {{Score-CAM}: Score-Weighted Visual Explanations for Convolutional Neural Networks},
  author = {Wang, Haofan and Wang, Zifan and Du, Mengnan and Yang, Fan and Zhang, Zijian and Ding, Sirui and Mardziel, Piotr and Hu, Xia},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)},
  pages = {111--119},
  year = {2020},
  doi = {10.1109/CVPRW50498.2020.00020}
}"""

SS_CAM = """@article{wang2020sscam,
  title = {{SS-CAM}: Smoothed {Score-CAM} for Sharper Visual Feature Localization},
  author = {Wang, Haofan and Naidu, Rakshit and Michael, Joy and Kundu, Soumya Snigdha},
  journal = {arXiv preprint},
  year = {2020},
  eprint = {2006.14255},
  archivePrefix = {arXiv}
}"""

IS_CAM = """@article{naidu2020iscam,
  title = {{IS-CAM}: Integrated {Score-CAM} for axiomatic-based explanations},
  author = {Naidu, Rakshit and Ghosh, Ankita and Maurya, Yash and K, Shamanth R Nayak and Kundu, Soumya Snigdha},
  journal = {arXiv preprint},
  year = {2020},
  eprint = {2010.03023},
  archivePrefix = {arXiv}
}"""

SMOOTH_GRAD_CAM_PLUS_PLUS = """@article{omeiza2019smoothgradcampp,
  title = {Smooth {Grad-CAM++}: An Enhanced Inference Level Visualization Technique for Deep Convolutional Neural Network Models},
  author = {Omeiza, Daniel and Speakman, Skyler and Cintas, Celia and Weldermariam, Komminist},
  journal = {arXiv preprint},
  year = {2019},
  eprint = {1908.01224},
  archivePrefix = {arXiv}
}"""

FINER_CAM = """@inproceedings{zhang2025finercam,
  title = {{Finer-CAM}: Spotting the Difference Reveals Finer Details for Visual Explanation},
  author = {Zhang, Ziheng and Gu, Jianyang and Chowdhury, Arpita and Mai, Zheda and Carlyn, David and Berger-Wolf, Tanya and Su, Yu and
    Chao, Wei-Lun},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2025},
  eprint = {2501.11309},
  archivePrefix = {arXiv}
}"""

SHAPLEY_CAM = """@article{cai2025shapleycam,
  title = {{CAM}s as {Shapley} Value-based Explainers},
  author = {Cai, Huaiguang},
  journal = {arXiv preprint},
  year = {2025},
  eprint = {2501.06261},
  archivePrefix = {arXiv}
}"""

OPTI_CAM = """@article{zhang2024opticam,
  title = {{Opti-CAM}: Optimizing saliency maps for interpretability},
  author = {Zhang, Hanwei and Torres, Felipe and Sicre, Ronan and Avrithis, Yannis and Ayache, Stephane},
  journal = {Computer Vision and Image Understanding},
  volume = {248},
  pages = {104101},
  year = {2024},
  doi = {10.1016/j.cviu.2024.104101}
}"""

CAMERAS = """@inproceedings{jalwana2021cameras,
  title = {{CAMERAS}: Enhanced Resolution And Sanity preserving Class Activation Mapping for image saliency},
  author = {Jalwana, Mohammad A. A. K. and Akhtar, Naveed and Bennamoun, Mohammed and Mian, Ajmal},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages = {16327--16336},
  year = {2021}
}"""

POLY_CAM = """@article{englebert2024polycam,
  title = {Poly-{CAM}: high resolution class activation map for convolutional neural networks},
  author = {Englebert, Alexandre and Cornu, Olivier and De Vleeschouwer, Christophe},
  journal = {Machine Vision and Applications},
  year = {2024},
  doi = {10.1007/s00138-024-01567-7}
}"""

REFINE_CAM = """@article{domeniconi2026refinecam,
  title = {How to Evaluate and Refine your {CAM}},
  author = {Domeniconi, Luca and Stramiglio, Alessandra and Lombardi, Michele and Salti, Samuele},
  journal = {arXiv preprint},
  year = {2026},
  eprint = {2605.14641},
  archivePrefix = {arXiv}
}"""
